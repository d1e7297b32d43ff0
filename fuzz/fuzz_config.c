/* fuzz_config.c: server_config.yaml, and the flat view of YAML below it. */
#include <string.h>

#include "fuzz.h"
#include "milvus1/config.h"
#include "milvus1/yaml_flat.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct yaml_flat flat;
    struct server_config config;
    struct err err;
    if (yaml_flat_decode((const char *)data, size, &flat, &err) == ERR_OK) {
        FUZZ_CHECK(flat.count <= YAML_ENTRIES_MAX);
        for (size_t k = 0; k < flat.count; k++)
            FUZZ_CHECK(strlen(flat.entries[k].path) < YAML_PATH_MAX && flat.entries[k].line > 0);
        yaml_flat_release(&flat);
    }
    if (server_config_decode((const char *)data, size, &config, &err) == ERR_OK)
        server_config_release(&config);
    return 0;
}
