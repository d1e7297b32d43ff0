/* graph_codes.c: see graph_codes.h. */
#include "engine/graph_codes.h"

#include <math.h>
#include <string.h>

#include "kernel/code.h"

#define STEP7 0.2F /* of the steps of 4-bit codes */
#define MIDDLE7 63.5F

static unsigned level_of(float value, float middle)
{
    const float level = value + middle;
    const float low = level > 0.0F ? level : 0.0F;
    return (unsigned)lrintf(low < 2.0F * middle ? low : 2.0F * middle);
}

void graph_codes_pack(const struct codes *codes, const struct graph_layout *at, const float *values,
                      uint8_t *row, float *ret_norm)
{
    const bool is_4 = at->is_4;
    const float middle = is_4 ? CODES_LEVEL_MIDDLE : MIDDLE7;
    double norm = 0.0;
    for (size_t j = 0; j < at->space; j++) {
        const float step = is_4 ? codes->step[j] : codes->step[j] * STEP7;
        const unsigned code = level_of(values[j] / step, middle);
        const float rebuilt = ((float)code - middle) * step;
        norm += (double)rebuilt * (double)rebuilt;
        const bool is_high = is_4 && j >= at->width;
        uint8_t *byte = row + (is_high ? j - at->width : j);
        *byte = (uint8_t)(*byte | (is_high ? code << 4 : code));
    }
    *ret_norm = codes->metric == METRIC_IP ? 0.0F : (float)norm;
    if (!at->has_norms)
        memcpy(row + at->width, ret_norm, sizeof *ret_norm);
}

size_t graph_codes_query_size(const struct graph_layout *at)
{
    return code_row_lines(at->width) * CODE_LINE * (at->is_4 ? 2 : 1);
}

float graph_codes_query(const struct codes *codes, const struct graph_layout *at, float *values,
                        int8_t *ret_bytes, float *ret_lack)
{
    const size_t half = code_row_lines(at->width) * CODE_LINE;
    const bool is_4 = at->is_4;
    for (size_t j = 0; j < at->space; j++)
        values[j] *= is_4 ? codes->step[j] : codes->step[j] * STEP7;
    const float reach = codes_reach(values, at->space);
    codes_bytes(values, at->width, half, reach, ret_bytes);
    if (is_4)
        codes_bytes(values + at->width, at->space - at->width, half, reach, ret_bytes + half);
    int32_t sum = 0;
    for (size_t j = 0; j < graph_codes_query_size(at); j++)
        sum += ret_bytes[j];
    const float scale = 2.0F * reach / 127.0F;
    *ret_lack = scale * (is_4 ? CODES_LEVEL_MIDDLE : MIDDLE7) * (float)sum;
    return scale;
}
