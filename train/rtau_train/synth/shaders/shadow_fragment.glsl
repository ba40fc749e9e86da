#version 330
in vec2 v_uv;
uniform sampler2D strand_texture;
uniform bool strands;

void main() {
    if (strands && texture(strand_texture, v_uv).a < 0.5) discard;
}
