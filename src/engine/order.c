/* order.c: see order.h. Quick select and quick sort with a median of three; a range that does not
 * shrink is left to heap sort, so no input costs more than n log n. */
#include "engine/order.h"

#define SMALL 16
#define PASSES_MAX 48

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

/* Parts count > 2 pairs around one of them: [0, *ret_left) <= pivot, [*ret_right, count) >= pivot,
 * between them only pivots. */
static void part(uint64_t *pairs, size_t count, size_t *ret_left, size_t *ret_right)
{
    const uint64_t pivot = median(pairs[0], pairs[count / 2], pairs[count - 1]);
    size_t i = 0;
    size_t j = count;
    for (;;) {
        while (pairs[i] < pivot)
            i++;
        while (pairs[j - 1] > pivot)
            j--;
        if (i >= j)
            break;
        const uint64_t pair = pairs[i];
        pairs[i++] = pairs[--j];
        pairs[j] = pair;
        if (i >= j)
            break;
    }
    *ret_left = j < i ? j : i;
    *ret_right = j < i ? i : j;
}

void order_select(uint64_t *pairs, size_t count, size_t wanted)
{
    uint64_t *from = pairs;
    size_t rest = wanted;
    for (size_t pass = 0; count > SMALL && pass < PASSES_MAX; pass++) {
        size_t left = 0;
        size_t right = 0;
        part(from, count, &left, &right);
        if (rest > left && rest <= right)
            return; /* the pivot is the last one wanted */
        if (rest <= left) {
            count = left;
        } else {
            from += right;
            rest -= right;
            count -= right;
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
        size_t left = 0;
        size_t right = 0;
        part(range.from, range.count, &left, &right);
        stack[used++] = (struct range){range.from, left, range.depth + 1};
        stack[used++] = (struct range){range.from + right, range.count - right, range.depth + 1};
    }
}
