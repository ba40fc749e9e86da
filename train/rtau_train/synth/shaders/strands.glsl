// Hair, brows, lashes, the shade under the lids, spectacle frames and lenses.
uniform sampler2D strand_texture;
uniform sampler2D noise;
uniform vec3 strand_colour;
uniform float texture_mean;
uniform float amount;
uniform int kind;
uniform bool solid_pass;

const int HAIR = 0, BROW = 1, LASHES = 2, EYE_SHADE = 3, FRAME = 4, LENS = 5;

void main() {
    vec3 n = normalize(v_normal);
    vec3 view = normalize(eye - v_point);
    if (dot(n, view) < 0.0) n = -n;
    vec3 albedo = strand_colour;
    float alpha = amount;
    if (kind == HAIR) {
        vec4 t = texture(strand_texture, v_uv);
        alpha = t.a;
        if (solid_pass ? alpha < 0.5 : alpha < 0.03) discard;
        float level = dot(t.rgb, vec3(0.3, 0.6, 0.1)) / texture_mean;
        albedo *= pow(clamp(level, 0.05, 3.0), 1.1);
    } else if (kind == BROW) {
        alpha = texture(strand_texture, v_uv).a * amount;
        if (alpha < 0.02) discard;
    } else if (kind == LASHES) {
        float lower = step(1.5, v_uv.y);
        float out_along = v_uv.y - 2.0 * lower;
        float strand = 0.6 + 0.4 * sin(v_uv.x * 520.0);
        alpha = clamp(strand * amount * (1.0 - out_along) * (1.0 - out_along)
                      * mix(1.0, 0.18, lower), 0.0, 1.0);
    } else if (kind == EYE_SHADE) {
        alpha = v_uv.x * amount;
        albedo = vec3(0.03, 0.015, 0.01);
    }
    float sun = kind == HAIR || kind == FRAME ? lit(n) : 1.0;
    vec3 sum = ambient(n) * v_sky;
    for (int i = 0; i < 3; i++) {
        float wrap = 0.25 + 0.75 * max(dot(n, light_direction[i]), 0.0);
        sum += light_colour[i] * wrap * (i == 0 ? sun * 0.8 : v_sky);
    }
    vec3 c = albedo * sum;
    if (kind == HAIR) {
        vec3 sheen = light_colour[0] * gloss_lobe(n, light_direction[0], view, 18.0) * sun
                   + light_colour[2] * gloss_lobe(n, light_direction[2], view, 12.0);
        c += 0.035 * sheen * pow(albedo / (strand_colour + 0.01), vec3(1.5)) * amount;
    } else if (kind == FRAME || kind == LENS) {
        float power = kind == LENS ? 400.0 : 60.0;
        vec3 shine = vec3(0.0);
        for (int i = 0; i < 3; i++)
            shine += light_colour[i] * gloss_lobe(n, light_direction[i], view, power);
        vec3 mirror = ambient(reflect(-view, n)) * (kind == LENS ? 0.10 : 0.05);
        c += 0.04 * shine + mirror;
        if (kind == LENS) alpha = clamp(alpha + dot(shine, vec3(0.02)), 0.0, 1.0);
    }
    colour = vec4(tone(c), solid_pass ? 1.0 : alpha);
}
