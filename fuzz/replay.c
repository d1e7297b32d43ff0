/* replay.c: runs a fuzz target over files, without a fuzzer: what the corpus found once must stay
 * harmless. Also runs the empty input and each file cut in the middle.
 *
 *     replay_NAME FOLDER|FILE...
 *
 * Each input lies in a block of exactly its size, so that AddressSanitizer sees one byte too far.
 * Fails when there is no file at all. */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_SIZE_MAX ((size_t)16 << 20)
#define PATH_SIZE_MAX 4096

static size_t replayed;

static void run_exactly(const uint8_t *data, size_t size)
{
    uint8_t *block = calloc(1, size > 0 ? size : 1);
    if (block == NULL)
        abort();
    if (size > 0)
        memcpy(block, data, size);
    (void)LLVMFuzzerTestOneInput(block, size);
    free(block);
}

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(INPUT_SIZE_MAX);
    bool is_fine = file != NULL && data != NULL;
    if (is_fine) {
        const size_t size = fread(data, 1, INPUT_SIZE_MAX, file);
        is_fine = ferror(file) == 0;
        run_exactly(data, size);
        run_exactly(data, size / 2);
        replayed++;
    }
    if (!is_fine)
        (void)fprintf(stderr, "%s: cannot be read\n", path);
    if (file != NULL)
        (void)fclose(file);
    free(data);
    return is_fine;
}

static bool replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL) {
        (void)fprintf(stderr, "%s: cannot be listed\n", path);
        return false;
    }
    bool is_fine = true;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        if (entry->d_name[0] == '.')
            continue;
        char name[PATH_SIZE_MAX];
        const int size = snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        is_fine = size > 0 && (size_t)size < sizeof name && replay_file(name) && is_fine;
    }
    (void)closedir(folder);
    return is_fine;
}

int main(int argc, char **argv)
{
    bool is_fine = true;
    run_exactly(NULL, 0);
    for (int k = 1; k < argc; k++) {
        struct stat st;
        const bool is_folder = stat(argv[k], &st) == 0 && S_ISDIR(st.st_mode);
        is_fine = (is_folder ? replay_folder(argv[k]) : replay_file(argv[k])) && is_fine;
    }
    (void)printf("%zu inputs\n", replayed);
    return is_fine && replayed > 0 ? 0 : 1;
}
