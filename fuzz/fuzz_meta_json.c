/* fuzz_meta_json.c: meta.json of the old tool and ours. What was read and written again reads back
 * the same, and nothing in it can name a path outside the data root. Manifests of packages take the
 * same bytes. */
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "fuzz.h"
#include "milvus1/manifest.h"
#include "milvus1/meta_json.h"

static bool write_again(const struct meta *meta, struct text *text)
{
    struct live live;
    struct err err;
    text_init(text);
    FUZZ_CHECK(live_select(meta, &live, &err) == ERR_OK);
    const enum err_code code = meta_json_write(meta, &live, text, &err);
    live_release(&live);
    FUZZ_CHECK(code == ERR_OK || code == ERR_UNSUPPORTED);
    return code == ERR_OK;
}

static void read_manifest(const uint8_t *data, size_t size)
{
    struct manifest *manifest = NULL;
    struct err err;
    FUZZ_CHECK(manifest_new("package", &manifest, &err) == ERR_OK);
    if (manifest_decode((const char *)data, size, manifest, &err) == ERR_OK)
        for (size_t k = 0; k < manifest->count; k++)
            FUZZ_CHECK(manifest_find(manifest, manifest->files[k].path) == &manifest->files[k]);
    manifest_close(manifest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct meta meta;
    struct err err;
    read_manifest(data, size);
    if (meta_json_decode((const char *)data, size, &meta, &err) != ERR_OK)
        return 0;
    for (size_t k = 0; k < meta.file_count; k++)
        FUZZ_CHECK(strchr(meta.files[k].segment_id, '/') == NULL &&
                   strcmp(meta.files[k].table_id, "..") != 0);
    struct text first;
    if (write_again(&meta, &first)) {
        struct meta back;
        struct text second;
        FUZZ_CHECK(meta_json_decode(text_get(&first), first.size, &back, &err) == ERR_OK);
        FUZZ_CHECK(write_again(&back, &second));
        FUZZ_CHECK(strcmp(text_get(&first), text_get(&second)) == 0);
        meta_release(&back);
        text_release(&second);
    }
    text_release(&first);
    meta_release(&meta);
    return 0;
}
