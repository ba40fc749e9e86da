// Skin, eyes, teeth and hair of an avatar, whose colours are in its pictures.
uniform sampler2D skin;
uniform sampler2D hair;
uniform sampler2D noise;
uniform vec3 skin_gain;        // linear, on the picture
uniform vec3 hair_gain;
uniform float pores;
uniform float wetness;
uniform float gloss;
uniform vec2 mouth;            // z of the inner lips, and how far they are apart, cm

const float LIP_LINE = -3.3;   // of the avatars, cm
const int SKIN = 0, EYES = 1, TEETH = 2, HAIR = 3;

void main() {
    int what = int(v_part + 0.5);
    vec3 n = normalize(v_normal);
    vec3 view = normalize(eye - v_point);
    if (what == HAIR && dot(n, view) < 0.0) n = -n;
    float sky = v_sky, spec = wetness, power = gloss;
    vec3 soft = vec3(0.42, 0.20, 0.13);
    float sun = lit(n);
    vec3 albedo = pow(texture(skin, v_uv).rgb, vec3(2.2));
    if (what == SKIN) {
        albedo *= skin_gain;
        vec3 along_x = vec3(1, 0, 0) - n * n.x, along_y = vec3(0, 1, 0) - n * n.y;
        vec2 q = v_rest.xy / 20.0;
        vec2 grain = vec2(texture(noise, q * 23.0).r, texture(noise, q * 23.0 + 0.37).r) - 0.5;
        n = normalize(n - smoothstep(0.0, 0.5, n.z) * pores * (grain.x * along_x + grain.y * along_y));
        // Little light reaches the skin inside the lips.
        vec2 lips = (v_rest.xy - vec2(0.0, LIP_LINE)) / vec2(2.2, 0.9);
        float inside = smoothstep(0.5, 1.0, mouth.x - v_rest.z) * smoothstep(1.0, 0.8, length(lips));
        sky *= 1.0 - 0.85 * inside;
        sun *= 1.0 - 0.85 * inside;
    } else if (what == EYES) {
        albedo *= 0.8;
        spec = 0.0;
        soft = vec3(0.25, 0.20, 0.18);
    } else if (what == TEETH) {
        spec = 0.5;
        power = 60.0;
        soft = vec3(0.3);
        float depth = max(mouth.x - v_point.z - 0.9, 0.0);
        float open = clamp(mouth.y / 1.2, 0.0, 1.0);
        float reach = exp(-depth * mix(0.9, 0.2, open)) * mix(0.8, 1.0, open);
        sky *= reach;
        sun *= reach;
    } else {
        albedo = pow(texture(hair, v_uv).rgb, vec3(2.2)) * hair_gain;
        spec = 0.4;
        power = 18.0;
        soft = vec3(0.2);
    }
    vec3 sum = ambient(n) * sky;
    vec3 shade = what == SKIN ? pow(vec3(sun), vec3(0.55, 1.0, 1.1)) : vec3(sun);
    vec3 shine = vec3(0.0);
    for (int i = 0; i < 3; i++) {
        float d = dot(n, light_direction[i]);
        vec3 reach = i == 0 ? shade * mix(1.0, sky, 0.45) : vec3(sky);
        sum += light_colour[i] * wrapped(d, soft) * reach;
        shine += light_colour[i] * gloss_lobe(n, light_direction[i], view, power) * max(d, 0.0)
               * (i == 0 ? sun : 1.0);
    }
    vec3 c = albedo * sum;
    float grazing = 0.35 + 1.3 * pow(1.0 - max(dot(n, view), 0.0), 4.0);
    c += spec * grazing * sky * 0.16 * (shine + 0.075 * ambient(reflect(-view, n)));
    if (what == EYES) {
        for (int i = 0; i < 3; i++)
            c += 0.05 * light_colour[i] * gloss_lobe(n, light_direction[i], view, 900.0)
               * (i == 0 ? sun : 1.0);
        c += 0.018 * ambient(reflect(-view, n)) * sky;
    }
    colour = vec4(tone(c), 1.0);
}
