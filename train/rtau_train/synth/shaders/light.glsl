// Light, shadow and tone, shared by skin and hair. All directions are in head space.
uniform vec3 eye;
uniform vec3 light_direction[3];
uniform vec3 light_colour[3];
uniform mat3 head_from_view;
uniform vec3 ambient_up;
uniform vec3 ambient_down;
uniform vec3 ambient_left;
uniform vec3 ambient_right;
uniform sampler2DShadow shadow_map;
uniform float shadow_amount;
uniform float shadow_softness;
uniform float exposure;
in vec3 v_point;
in vec3 v_normal;
in float v_sky;
in vec2 v_uv;
in vec3 v_rest;
in float v_part;
in float v_scalp;
in vec4 v_shadow;
out vec4 colour;

float lit(vec3 n) {
    vec3 q = v_shadow.xyz / v_shadow.w * 0.5 + 0.5;
    q.z -= 0.0015 + 0.004 * (1.0 - clamp(dot(n, light_direction[0]), 0.0, 1.0));
    if (q.x < 0.0 || q.y < 0.0 || q.x > 1.0 || q.y > 1.0) return 1.0;
    float sum = 0.0;
    for (int i = -1; i <= 1; i++)
        for (int j = -1; j <= 1; j++)
            sum += texture(shadow_map, vec3(q.xy + vec2(i, j) * shadow_softness / 512.0, q.z));
    return mix(1.0, sum / 9.0, shadow_amount);
}

vec3 ambient(vec3 n) {
    vec3 v = n * head_from_view;
    return mix(ambient_down, ambient_up, v.y * 0.5 + 0.5)
         + mix(ambient_left, ambient_right, v.x * 0.5 + 0.5);
}

// Blinn-Phong lobe, normalised.
float gloss_lobe(vec3 n, vec3 l, vec3 v, float power) {
    return pow(max(dot(n, normalize(l + v)), 0.0), power) * (power + 8.0) / 25.0;
}

// Lambert's law with light that creeps around the edge, by colour.
vec3 wrapped(float d, vec3 w) { return max((vec3(d) + w) / (1.0 + w), 0.0) / (1.0 + w); }

vec3 tone(vec3 c) {
    c *= exposure;
    c = c / (1.0 + 0.18 * c * c / (1.0 + c));
    return pow(clamp(c, 0.0, 1.0), vec3(1.0 / 2.2));
}
