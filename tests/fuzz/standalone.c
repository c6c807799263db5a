/* The main of a fuzz target that is built without libFuzzer: runs every file that is named, and every file of a folder
 * that is named, through LLVMFuzzerTestOneInput. A folder that is not there holds nothing. */
#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int failed(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    return 1;
}

/* The copy has exactly the size of the input: a read beyond it is one that the sanitizers and valgrind see. */
static int run_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size > 0 ? size : 1);
    int code = 1;

    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        failed(path);
        goto cleanup;
    }
    LLVMFuzzerTestOneInput(data, size);
    code = 0;
cleanup:
    free(data);
    if (file != NULL) fclose(file);
    return code;
}

static int run_path(const char *path, size_t *ran)
{
    struct stat what;
    struct dirent **entries = NULL;
    int count, code = 0;

    if (stat(path, &what) != 0) return errno == ENOENT ? 0 : failed(path);
    if (!S_ISDIR(what.st_mode)) {
        ++*ran;
        return run_file(path, (size_t)what.st_size);
    }
    count = scandir(path, &entries, NULL, alphasort);
    if (count < 0) return failed(path);
    for (int i = 0; i < count; i++) {
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') code |= run_path(below, ran);
        free(entries[i]);
    }
    free(entries);
    return code;
}

int main(int argc, char **argv)
{
    size_t ran = 0;
    int code = 0;

    for (int i = 1; i < argc; i++) code |= run_path(argv[i], &ran);
    printf("%zu inputs\n", ran);
    return code;
}
