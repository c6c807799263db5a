#include "common/table_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"

enum {
    LAYOUT = 1, /* of rows and facts; another one begins empty */
    DATABASES = 3 * RC_TABLES_MAX + 1,
    READERS = 126,
    MARK_SIZE = 128,
    LOCK_FILE_BYTES = 16384, /* 64 a reader, and a head */
};
#define MAP_AT_LEAST ((size_t)64 << 20)

static const char OPEN[] = "open "; /* how the mark of a store in use begins */
static const char *const FILES[] = {"data.mdb", "lock.mdb"};

char *rc_store_directory(const char *state_dir, const char *instance, const char *program)
{
    return rc_sprintf("%s/%s/%s", state_dir, instance, program);
}

rc_code_t rc_store_error(rc_store_t *store, int code, const char *what, rc_error_t *error)
{
    switch (code) {
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_VERSION_MISMATCH:
    case MDB_PANIC:
        return rc_error_set(error, RC_IO, RC_FATAL, "%s: %s: the local tables are damaged (%s); they are made again",
                            store->directory, what, mdb_strerror(code));
    case ENOSPC:
    case EDQUOT:
        return rc_error_set(error, RC_IO, RC_RETRY, "%s: %s: no space is left; free some, or move `state_dir`",
                            store->directory, what);
    case EIO: /* also what LMDB says of a disk that took a part of a page */
        return rc_error_set(error, RC_IO, RC_RETRY, "%s: %s: %s; is the disk full, or failing?", store->directory, what,
                            mdb_strerror(code));
    default:
        return rc_error_set(error, RC_IO, RC_RETRY, "%s: %s: %s", store->directory, what, mdb_strerror(code));
    }
}

static rc_code_t io_error(const char *path, const char *mend, rc_error_t *error)
{
    return rc_error_set(error, RC_IO, RC_FATAL, "%s: %s; %s", path, strerror(errno), mend);
}

/* --- the directory --- */

static rc_code_t make_directories(const char *directory, rc_error_t *error)
{
    char *path = rc_strdup(directory);
    int failed = 0;
    for (char *slash = path + 1; !failed && (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        failed = mkdir(path, 0755) && errno != EEXIST;
        *slash = '/';
    }
    failed = failed || (mkdir(path, 0700) && errno != EEXIST);
    free(path);
    return failed ? io_error(directory, "create it for this user, or set `state_dir`", error) : RC_OK;
}

static rc_code_t lock(rc_store_t *store, rc_error_t *error)
{
    char holder[32] = "";
    char *path = rc_sprintf("%s/lock", store->directory);
    rc_code_t code = RC_OK;
    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (store->lock_fd < 0) {
        code = io_error(path, "let this user write there, or set `state_dir`", error);
    } else if (flock(store->lock_fd, LOCK_EX | LOCK_NB)) {
        ssize_t length = pread(store->lock_fd, holder, sizeof holder - 1, 0);
        holder[strspn(holder, "0123456789")] = '\0';
        code = rc_error_set(error, RC_CONFLICT, RC_REJECT,
                            "%s is in use by process %s; stop that one, or give this one another `instance`",
                            store->directory, length > 0 && *holder ? holder : "(unknown)");
    } else if (ftruncate(store->lock_fd, 0) || dprintf(store->lock_fd, "%ld\n", (long)getpid()) < 0) {
        code = io_error(path, "free some space", error);
    }
    free(path);
    return code;
}

static void remove_files(const rc_store_t *store)
{
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        char *path = rc_sprintf("%s/%s", store->directory, FILES[i]);
        (void)unlink(path);
        free(path);
    }
}

static long long data_bytes(const rc_store_t *store)
{
    struct stat status;
    char *path = rc_sprintf("%s/%s", store->directory, FILES[0]);
    long long bytes = stat(path, &status) ? -1 : (long long)status.st_size;
    free(path);
    return bytes;
}

/* --- the mark: whether the files can be trusted ---
 *
 * "open <boot id>" while a process works with them: what LMDB wrote is complete in the page cache, but after a crash of
 * the machine only part of it may be on the disk. "clean <bytes>" after they were synced and closed. */

static char *open_mark(char mark[MARK_SIZE])
{
    char id[64] = "";
    FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!file || !fgets(id, sizeof id, file)) (void)snprintf(id, sizeof id, "unknown");
    if (file) (void)fclose(file);
    id[strcspn(id, "\n")] = '\0';
    (void)snprintf(mark, MARK_SIZE, "%s%s\n", OPEN, id);
    return mark;
}

static char *clean_mark(const rc_store_t *store, char mark[MARK_SIZE])
{
    (void)snprintf(mark, MARK_SIZE, "clean %lld\n", data_bytes(store));
    return mark;
}

static void read_mark(const rc_store_t *store, char found[MARK_SIZE])
{
    char *path = rc_sprintf("%s/mark", store->directory);
    FILE *file = fopen(path, "re");
    if (!file || !fgets(found, MARK_SIZE, file)) *found = '\0';
    if (file) (void)fclose(file);
    free(path);
}

static bool is_safe(const rc_store_t *store, const char *found)
{
    char expected[MARK_SIZE];
    bool same_boot = !strcmp(found, open_mark(expected)) && !strstr(expected, "unknown");
    return same_boot || !strcmp(found, clean_mark(store, expected));
}

static rc_code_t write_mark(const rc_store_t *store, const char *mark, rc_error_t *error)
{
    char *path = rc_sprintf("%s/mark", store->directory);
    char *fresh = rc_sprintf("%s/mark.new", store->directory);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int directory = open(store->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    size_t length = strlen(mark);
    bool fine = fd >= 0 && directory >= 0 && write(fd, mark, length) == (ssize_t)length && !fsync(fd) &&
                !rename(fresh, path) && !fsync(directory);
    rc_code_t code = fine ? RC_OK : io_error(path, "free some space, or let this user write there", error);
    if (fd >= 0) (void)close(fd);
    if (directory >= 0) (void)close(directory);
    free(fresh);
    free(path);
    return code;
}

/* --- the environment --- */

static int check_layout(MDB_env *env)
{
    MDB_txn *txn;
    MDB_dbi dbi;
    uint32_t layout = LAYOUT;
    char name[] = "layout";
    MDB_val key = {sizeof name - 1, name}, value;
    int code = mdb_txn_begin(env, NULL, 0, &txn);
    if (code) return code;
    code = mdb_dbi_open(txn, "rollcall", MDB_CREATE, &dbi);
    if (!code) code = mdb_get(txn, dbi, &key, &value);
    if (code == MDB_NOTFOUND) {
        value = (MDB_val){sizeof layout, &layout};
        code = mdb_put(txn, dbi, &key, &value, 0);
    } else if (!code && (value.mv_size != sizeof layout || memcmp(value.mv_data, &layout, sizeof layout) != 0)) {
        code = MDB_VERSION_MISMATCH;
    }
    if (!code) return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

/* LMDB maps its files. A page that the file does not have, or for which the disk has no room, ends the process with
 * SIGBUS when it is touched, and every process after it: the data's are counted, the lock's are given room. */
static int check_size(const rc_store_t *store)
{
    MDB_envinfo info;
    MDB_stat stat;
    int code = mdb_env_info(store->env, &info);
    if (!code) code = mdb_env_stat(store->env, &stat);
    if (code) return code;
    return data_bytes(store) < (long long)(info.me_last_pgno + 1) * stat.ms_psize ? MDB_CORRUPTED : 0;
}

static int make_room_for_lock(const rc_store_t *store)
{
    char *path = rc_sprintf("%s/%s", store->directory, FILES[1]);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    int code = fd < 0 ? errno : posix_fallocate(fd, 0, LOCK_FILE_BYTES);
    if (fd >= 0) (void)close(fd);
    free(path);
    return code;
}

static int open_environment(rc_store_t *store)
{
    long long bytes = data_bytes(store);
    int dead;
    store->map_bytes = MAP_AT_LEAST;
    while (bytes > 0 && store->map_bytes < 2 * (size_t)bytes) store->map_bytes *= 2;
    int code = make_room_for_lock(store);
    if (!code) code = mdb_env_create(&store->env);
    if (code) return code;
    code = mdb_env_set_mapsize(store->env, store->map_bytes);
    if (!code) code = mdb_env_set_maxdbs(store->env, DATABASES);
    if (!code) code = mdb_env_set_maxreaders(store->env, READERS);
    if (!code) code = mdb_env_open(store->env, store->directory, MDB_NOTLS | MDB_NOSYNC, 0600);
    if (!code) code = check_size(store);
    if (!code) code = mdb_reader_check(store->env, &dead);
    if (!code) code = check_layout(store->env);
    for (size_t i = 0; !code && i < store->table_count; i++) code = rc_store_open_table(store, store->tables[i]);
    if (!code) return 0;
    mdb_env_close(store->env);
    store->env = NULL;
    return code;
}

static void say_emptied(const rc_store_t *store, const char *why)
{
    rc_log(RC_LEVEL_WARN, "local tables begin empty", RC_LOG_STR(PATH, store->directory), RC_LOG_STR(REASON, why));
}

static rc_code_t open_files(rc_store_t *store, rc_error_t *error)
{
    char mark[MARK_SIZE];
    read_mark(store, mark);
    store->was_left_open = strncmp(mark, OPEN, sizeof OPEN - 1) == 0;
    store->is_new = mark[0] == '\0';
    bool had_files = data_bytes(store) >= 0;
    if (had_files && !is_safe(store, mark)) {
        say_emptied(store, "the machine stopped while they were open, or the files were changed");
        remove_files(store);
    }
    rc_code_t code = write_mark(store, open_mark(mark), error);
    if (code) return code;
    int failed = open_environment(store);
    bool damaged = failed == MDB_INVALID || failed == MDB_CORRUPTED || failed == MDB_PAGE_NOTFOUND ||
                   failed == MDB_VERSION_MISMATCH || failed == MDB_PANIC;
    if (damaged) {
        say_emptied(store, mdb_strerror(failed));
        remove_files(store);
        failed = open_environment(store);
    }
    return failed ? rc_store_error(store, failed, "opening the local tables", error) : RC_OK;
}

rc_code_t rc_store_open(const char *directory, rc_store_t **out, rc_error_t *error)
{
    rc_store_t *store = rc_zalloc(sizeof *store);
    store->directory = rc_strdup(directory);
    store->lock_fd = -1;
    pthread_rwlock_init(&store->in_use, NULL); /* prefers readers: a scan's callback may read */
    pthread_mutex_init(&store->pool_lock, NULL);
    rc_code_t code = make_directories(directory, error);
    if (!code) code = lock(store, error);
    if (!code) code = open_files(store, error);
    if (code)
        rc_store_close(store);
    else
        *out = store;
    return code;
}

static void end_pool(rc_store_t *store)
{
    while (store->pool_count > 0) mdb_txn_abort(store->pool[--store->pool_count]);
}

bool rc_store_was_left_open(const rc_store_t *store)
{
    return store->was_left_open;
}

bool rc_store_is_new(const rc_store_t *store)
{
    return store->is_new;
}

void rc_store_leave_open(rc_store_t *store)
{
    store->leave_open = true;
}

void rc_store_close(rc_store_t *store)
{
    if (!store) return;
    char mark[MARK_SIZE];
    rc_error_t error = RC_ERROR_INIT;
    if (store->env) {
        end_pool(store);
        bool synced = mdb_env_sync(store->env, 1) == 0;
        mdb_env_close(store->env);
        if (synced && !store->leave_open && write_mark(store, clean_mark(store, mark), &error))
            rc_log(RC_LEVEL_WARN, "local tables not marked as clean", RC_LOG_ERR(&error));
    }
    for (size_t i = 0; i < store->table_count; i++) {
        free(store->tables[i]->name);
        free(store->tables[i]);
    }
    if (store->lock_fd >= 0) (void)close(store->lock_fd);
    pthread_mutex_destroy(&store->pool_lock);
    pthread_rwlock_destroy(&store->in_use);
    free(store->directory);
    free(store);
}

rc_code_t rc_store_recreate(rc_store_t *store, rc_error_t *error)
{
    pthread_rwlock_wrlock(&store->in_use);
    end_pool(store);
    if (store->env) mdb_env_close(store->env);
    store->env = NULL;
    remove_files(store);
    say_emptied(store, "they were damaged");
    int failed = open_environment(store);
    atomic_fetch_add(&store->edition, 1);
    pthread_rwlock_unlock(&store->in_use);
    return failed ? rc_store_error(store, failed, "making the local tables again", error) : RC_OK;
}

int rc_store_grow(rc_store_t *store)
{
    pthread_rwlock_wrlock(&store->in_use);
    int code = mdb_env_set_mapsize(store->env, 2 * store->map_bytes);
    if (!code) store->map_bytes *= 2;
    pthread_rwlock_unlock(&store->in_use);
    return code;
}

int rc_store_read(rc_store_t *store, MDB_txn **txn)
{
    pthread_rwlock_rdlock(&store->in_use);
    MDB_txn *rested = NULL;
    pthread_mutex_lock(&store->pool_lock);
    if (store->pool_count > 0) rested = store->pool[--store->pool_count];
    pthread_mutex_unlock(&store->pool_lock);
    int code = !store->env ? MDB_PANIC
               : rested    ? mdb_txn_renew(rested)
                           : mdb_txn_begin(store->env, NULL, MDB_RDONLY, &rested);
    if (!code) {
        *txn = rested;
        return 0;
    }
    if (rested) mdb_txn_abort(rested);
    pthread_rwlock_unlock(&store->in_use);
    return code;
}

void rc_store_read_end(rc_store_t *store, MDB_txn *txn)
{
    mdb_txn_reset(txn);
    pthread_mutex_lock(&store->pool_lock);
    bool rests = store->pool_count < RC_STORE_POOL;
    if (rests) store->pool[store->pool_count++] = txn;
    pthread_mutex_unlock(&store->pool_lock);
    if (!rests) mdb_txn_abort(txn);
    pthread_rwlock_unlock(&store->in_use);
}
