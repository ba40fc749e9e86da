#version 330
in vec3 point;
in vec2 uv;
uniform mat4 shadow_from_head;
out vec2 v_uv;

void main() {
    gl_Position = shadow_from_head * vec4(point, 1.0);
    v_uv = uv;
}
