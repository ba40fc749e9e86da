// Skin, mouth, teeth and eyeballs of one head.
uniform sampler2D skin_a;
uniform sampler2D skin_b;
uniform float skin_share;      // of skin_b
uniform vec3 skin_mean_a;      // linear mean of each skin's cheeks
uniform vec3 skin_mean_b;
uniform vec3 skin_tone;        // linear albedo that the cheeks get
uniform float skin_contrast;
uniform float skin_grey;       // how much of the paint's redness is dropped
uniform sampler2D folds;       // slope x, slope y, light left in valleys, blemishes
uniform sampler2D paint;       // beard, lips, eye make-up
uniform sampler2D noise;
uniform float fold_strength;
uniform float pores;
uniform float wetness;
uniform float gloss;
uniform vec3 lip_colour;
uniform float lip_paint;
uniform float eye_paint;
uniform vec3 beard_colour;
uniform float cropped_hair;
uniform vec3 hair_colour;
uniform vec3 cloth;
uniform float collar;
uniform vec3 iris;
uniform float iris_radius;
uniform float pupil;
uniform float sclera;
uniform float seed;
uniform vec3 teeth;
uniform vec3 tongue;
uniform vec2 mouth;            // z of the inner lips, and how far they are apart, cm

const int SKIN = 0, LINING = 1, SOCKET = 2, GUMS = 3, TEETH = 4, EYEBALL = 5;

vec3 painted(sampler2D skin, vec3 mean) {
    vec3 t = pow(texture(skin, v_uv).rgb, vec3(2.2)) / mean;
    // The back of the head and the neck have no useful paint in this layout.
    float bare = max(smoothstep(-8.5, -11.5, v_rest.y),
                     smoothstep(2.0, -1.0, v_rest.z) * smoothstep(-3.0, -7.0, v_rest.y));
    t = mix(t, vec3(1.0), bare);
    vec2 corner = vec2((abs(v_rest.x) - 5.05) / 0.6, (v_rest.y - 3.6) / 0.5);
    return mix(t, max(t, vec3(0.75)), 0.75 * exp(-dot(corner, corner)));
}

vec3 iris_or_white(out float bright) {
    vec3 centre = vec3(sign(v_rest.x) * 3.094, 3.614, 7.995);
    vec3 l = v_rest - centre;
    vec2 e = l.xy - vec2(sign(v_rest.x) * 0.1432, 0.0);
    float r = length(e);
    vec3 white = mix(vec3(0.70, 0.58, 0.54), vec3(0.76, 0.72, 0.68), smoothstep(1.4, 0.7, r));
    float vein = texture(noise, l.xy * 0.9 + seed).r;
    white *= mix(vec3(1.0), vec3(1.0, 0.86, 0.84),
                 smoothstep(0.6, 0.9, vein) * smoothstep(0.7, 1.2, r));
    white *= sclera;
    bright = 1.0;
    if (l.z <= 0.0) return white;
    float x = r / iris_radius;
    float fibre = texture(noise, vec2(atan(e.y, e.x) * 1.5, r * 0.35) + seed).r;
    vec3 c = mix(iris * (0.6 + 0.8 * fibre), iris * 0.35, smoothstep(0.72, 0.98, x));
    c *= mix(0.85, 1.25, smoothstep(0.25, -0.3, e.y));
    c = mix(vec3(0.006), c, smoothstep(pupil - 0.05, pupil + 0.06, x));
    return mix(c, white, smoothstep(0.92, 1.06, x));
}

void main() {
    int what = int(v_part + 0.5);
    vec3 n = normalize(v_normal);
    vec3 view = normalize(eye - v_point);
    float sky = v_sky, spec = wetness, power = gloss;
    vec3 soft = vec3(0.42, 0.20, 0.13);
    float sun = lit(n);
    vec3 albedo;
    if (what == SKIN) {
        vec2 q = vec2((v_rest.x + 10.0) / 20.0, (12.0 - v_rest.y) / 24.0);
        float front = smoothstep(0.0, 0.5, n.z) * smoothstep(1.0, 4.0, v_rest.z);
        vec3 t = mix(painted(skin_a, skin_mean_a), painted(skin_b, skin_mean_b), skin_share);
        t = pow(clamp(t, 0.02, 3.0), vec3(skin_contrast));
        t = mix(t, vec3(dot(t, vec3(0.3, 0.6, 0.1))), skin_grey);
        albedo = skin_tone * t;
        vec4 fold = texture(folds, q);
        vec4 mask = texture(paint, q);
        albedo *= mix(1.0, fold.a, front);
        albedo *= mix(vec3(1.0), pow(vec3(fold.b), vec3(0.75, 1.1, 1.15)), front);
        albedo = mix(albedo, albedo * lip_colour, mask.g * lip_paint * front);
        albedo = mix(albedo, albedo * vec3(0.35, 0.30, 0.33), mask.b * eye_paint * front);
        float hair = mask.r * front * (0.35 + 1.15 * texture(noise, q * vec2(14.0, 6.0)).r);
        vec3 strand = beard_colour * (0.35 + 1.3 * texture(noise, q.yx * 11.0).r);
        albedo = mix(albedo, strand, clamp(hair, 0.0, 0.97));
        float crop = v_scalp * cropped_hair;
        crop = clamp(crop * (0.55 + 0.9 * texture(noise, v_rest.xy * 0.55 + v_rest.z * 0.35).r), 0.0, 0.95);
        albedo = mix(albedo, hair_colour * (0.5 + texture(noise, v_rest.yz * 0.7).r), crop);
        spec *= (1.0 - 0.7 * clamp(hair, 0.0, 1.0)) * (1.0 - 0.6 * crop) * mix(1.0, 1.9, mask.g);
        vec3 along_x = vec3(1, 0, 0) - n * n.x, along_y = vec3(0, 1, 0) - n * n.y;
        vec2 grain = vec2(texture(noise, q * 23.0).r, texture(noise, q * 23.0 + 0.37).r) - 0.5;
        vec2 slope = fold_strength * fold.rg + pores * grain;
        n = normalize(n - front * (slope.x * along_x + slope.y * along_y));
        float edge = v_rest.y + 0.018 * v_rest.x * v_rest.x - 0.35 * max(v_rest.z - 2.0, 0.0);
        if (edge < collar) {
            float weave = texture(noise, v_rest.xy * 0.45).r;
            albedo = cloth * (0.8 + 0.4 * weave) * mix(0.75, 1.0, smoothstep(collar, collar - 0.4, edge));
            spec = 0.0;
            soft = vec3(0.1);
        }
    } else if (what == LINING) {
        albedo = vec3(0.22, 0.055, 0.05);
        spec = 0.3;
        power = 30.0;
        sky *= sky;
    } else if (what == SOCKET) {
        albedo = skin_tone * vec3(0.7, 0.4, 0.35);
        sky *= 0.6;
    } else if (what == GUMS) {
        albedo = tongue;
        spec = 0.5;
        power = 40.0;
        sky *= sky;
        soft = vec3(0.3, 0.1, 0.1);
    } else if (what == TEETH) {
        albedo = teeth;
        spec = 0.6;
        power = 60.0;
        sky = pow(sky, 1.3);
        soft = vec3(0.3);
    } else {
        float bright;
        albedo = iris_or_white(bright);
        spec = 0.0;
        soft = vec3(0.25, 0.20, 0.18);
        sky = pow(sky, 1.1);
    }
    if (what == LINING || what == GUMS || what == TEETH) {
        // Light enters through the lips only: little of it reaches the back.
        float depth = max(mouth.x - v_point.z - 0.9, 0.0);
        float open = clamp(mouth.y / 1.2, 0.0, 1.0);
        float reach = exp(-depth * mix(0.9, 0.2, open)) * mix(0.8, 1.0, open);
        sky *= reach;
        sun *= reach;
    }
    vec3 sum = ambient(n) * sky;
    // Blood scatters red light into the edge of a shadow.
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
    if (what == EYEBALL) {
        for (int i = 0; i < 3; i++)
            c += 0.05 * light_colour[i] * gloss_lobe(n, light_direction[i], view, 900.0)
               * (i == 0 ? sun : 1.0);
        c += 0.018 * ambient(reflect(-view, n)) * sky;
    }
    if (what == TEETH || what == GUMS)
        c += spec * 0.03 * light_colour[0] * gloss_lobe(n, light_direction[0], view, power) * sun * sky;
    colour = vec4(tone(c), 1.0);
}
