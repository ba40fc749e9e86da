#version 330
// Carries a moved vertex to the screen and to the first light's shadow map.
in vec3 point;
in vec3 normal;
in float sky;
in vec2 uv;
in vec3 rest;
in float part;
in float scalp;
uniform mat4 clip_from_head;
uniform mat4 shadow_from_head;
out vec3 v_point;
out vec3 v_normal;
out float v_sky;
out vec2 v_uv;
out vec3 v_rest;
out float v_part;
out float v_scalp;
out vec4 v_shadow;

void main() {
    gl_Position = clip_from_head * vec4(point, 1.0);
    v_point = point;
    v_normal = normal;
    v_sky = sky;
    v_uv = uv;
    v_rest = rest;
    v_part = part;
    v_scalp = scalp;
    v_shadow = shadow_from_head * vec4(point, 1.0);
}
