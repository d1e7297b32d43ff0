/* order.c: see order.h. Quick select and quick sort with a median of three; a range that does not
 * shrink is left to heap sort, so no input costs more than n log n. */
#include "engine/order.h"

#include <stdbool.h>

#define SMALL 16
#define PASSES_MAX 48
#define SAMPLE 32       /* pairs that show where a bound for the wanted ones is ... */
#define SAMPLE_MORE 2   /* ... with so many of them to spare ... */
#define SAMPLE_FROM 256 /* ... among so many pairs at least */

static void insertion_sort(uint64_t *pairs, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        const uint64_t pair = pairs[i];
        size_t j = i;
        for (; j > 0 && pairs[j - 1] > pair; j--)
            pairs[j] = pairs[j - 1];
        pairs[j] = pair;
    }
}

static void sift_down(uint64_t *pairs, size_t from, size_t count)
{
    const uint64_t pair = pairs[from];
    size_t child = 2 * from + 1;
    while (child < count) {
        child += child + 1 < count && pairs[child + 1] > pairs[child];
        if (pairs[child] <= pair)
            break;
        pairs[from] = pairs[child];
        from = child;
        child = 2 * from + 1;
    }
    pairs[from] = pair;
}

static void heap_sort(uint64_t *pairs, size_t count)
{
    for (size_t i = count / 2; i-- > 0;)
        sift_down(pairs, i, count);
    for (size_t end = count; end > 1; end--) {
        const uint64_t largest = pairs[0];
        pairs[0] = pairs[end - 1];
        sift_down(pairs, 0, end - 1);
        pairs[end - 1] = largest;
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t low = a < b ? a : b;
    const uint64_t high = a < b ? b : a;
    if (c < low)
        return low;
    return c < high ? c : high;
}

/* Moves what is below `bound` to the front; returns how many. Without a branch on the pairs, since
 * it could not be guessed. */
static size_t part(uint64_t *pairs, size_t count, uint64_t bound)
{
    size_t below = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t pair = pairs[i];
        pairs[i] = pairs[below];
        pairs[below] = pair;
        below += pair < bound;
    }
    return below;
}

/* Parts count > 2 pairs: [0, left) below one of them, or, when that is the smallest, equal to it.
 */
static size_t part_some(uint64_t *pairs, size_t count, bool *ret_are_equal)
{
    const uint64_t pivot = median(pairs[0], pairs[count / 2], pairs[count - 1]);
    const size_t left = part(pairs, count, pivot);
    *ret_are_equal = left == 0;
    if (left > 0)
        return left;
    return pivot < UINT64_MAX ? part(pairs, count, pivot + 1) : count;
}

/* One of the pairs, somewhat above the `wanted` smallest of them when these are less than half,
 * else somewhat below; so that one pass leaves little. */
static uint64_t guess_bound(const uint64_t *pairs, size_t count, size_t wanted)
{
    uint64_t sample[SAMPLE];
    for (size_t i = 0; i < SAMPLE; i++)
        sample[i] = pairs[i * (count / SAMPLE)];
    insertion_sort(sample, SAMPLE);
    const size_t place = wanted * SAMPLE / count;
    if (place < SAMPLE / 2)
        return sample[place + SAMPLE_MORE];
    return sample[place < SAMPLE ? place - SAMPLE_MORE : SAMPLE - 1];
}

size_t order_part(uint64_t *pairs, size_t count, size_t wanted)
{
    if (count < SAMPLE_FROM || wanted > count / 2)
        return count;
    const size_t left = part(pairs, count, guess_bound(pairs, count, wanted));
    return left >= wanted ? left : count;
}

void order_select(uint64_t *pairs, size_t count, size_t wanted)
{
    uint64_t *from = pairs;
    size_t rest = wanted;
    for (size_t pass = 0; count > SMALL && pass < PASSES_MAX; pass++) {
        bool are_equal = false;
        size_t left = 0;
        if (count >= SAMPLE_FROM)
            left = part(from, count, guess_bound(from, count, rest));
        if (left == 0)
            left = part_some(from, count, &are_equal);
        if (are_equal && rest <= left)
            return;
        if (rest <= left) {
            count = left;
        } else {
            from += left;
            rest -= left;
            count -= left;
        }
    }
    if (count > SMALL)
        heap_sort(from, count);
    else
        insertion_sort(from, count);
}

struct range {
    uint64_t *from;
    size_t count;
    unsigned depth;
};

void order_sort(uint64_t *pairs, size_t count)
{
    struct range stack[2 * PASSES_MAX];
    size_t used = 0;
    stack[used++] = (struct range){pairs, count, 0};
    while (used > 0) {
        const struct range range = stack[--used];
        if (range.count <= SMALL) {
            insertion_sort(range.from, range.count);
            continue;
        }
        if (range.depth >= PASSES_MAX - 2) {
            heap_sort(range.from, range.count);
            continue;
        }
        bool are_equal = false;
        const size_t left = part_some(range.from, range.count, &are_equal);
        if (!are_equal)
            stack[used++] = (struct range){range.from, left, range.depth + 1};
        stack[used++] = (struct range){range.from + left, range.count - left, range.depth + 1};
    }
}
