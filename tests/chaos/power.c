// Loaded before other libraries: keeps, in a second folder, what a disk would still have if the power failed now.
//
// TESSERA_CHAOS_DISK names a folder on the file system that is watched, TESSERA_CHAOS_DURABLE the second folder, on another
// one. A file that is brought to the disk (fsync, fdatasync) is copied to "f-INODE", as far as it has changed; of a folder
// the names that it has, with their inodes, are written to "d-INODE". What is not brought there is not copied, so it is what
// a power cut may take away. Inode numbers must not be used again (tmpfs does not). One process writes at a time.
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// What of a file has changed since it was last brought to the disk.
struct changes {
  ino_t inode;
  off_t begin, end;
  struct changes* next;
};

enum { buckets = 1024 };
static struct changes* table[buckets];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static dev_t disk;
static char durable[PATH_MAX];

__attribute__((constructor)) static void begin(void) {
  const char* const folder = getenv("TESSERA_CHAOS_DISK");
  const char* const second = getenv("TESSERA_CHAOS_DURABLE");
  struct stat status;
  if (folder != NULL && second != NULL && stat(folder, &status) == 0) {
    disk = status.st_dev;
    snprintf(durable, sizeof durable, "%s", second);
  }
}

static int is_watched(int file, struct stat* status) {
  const int error = errno;
  const int watched = durable[0] != '\0' && fstat(file, status) == 0 && status->st_dev == disk;
  errno = error;
  return watched;
}

// Of a file that this process has not met yet, all counts as changed: another may have left it so.
static struct changes* changes_of(ino_t inode, off_t size) {
  struct changes** place = &table[inode % buckets];
  while (*place != NULL && (*place)->inode != inode) {
    place = &(*place)->next;
  }
  if (*place == NULL) {
    *place = calloc(1, sizeof **place);
    (*place)->inode = inode;
    (*place)->end = size;
  }
  return *place;
}

static void mark(int file, off_t first, off_t end) {
  struct stat status;
  if (!is_watched(file, &status) || !S_ISREG(status.st_mode)) {
    return;
  }
  pthread_mutex_lock(&mutex);
  struct changes* const changed = changes_of(status.st_ino, status.st_size);
  if (changed->begin == changed->end) {
    changed->begin = first;
    changed->end = end;
  } else {
    changed->begin = first < changed->begin ? first : changed->begin;
    changed->end = end > changed->end ? end : changed->end;
  }
  pthread_mutex_unlock(&mutex);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// The descriptor may be open for writing only, and the file may have no name any more.
static int copy_changes(int file, const struct changes* changed, off_t size) {
  char name[PATH_MAX + 32];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  const int from = open(name, O_RDONLY | O_CLOEXEC);
  snprintf(name, sizeof name, "%s/f-%lu", durable, (unsigned long)changed->inode);
  const int to = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  static char buffer[1 << 20];
  int result = from >= 0 && to >= 0 ? 0 : -1;
  for (off_t at = changed->begin; result == 0 && at < changed->end;) {
    const size_t wanted = changed->end - at < (off_t)sizeof buffer ? (size_t)(changed->end - at) : sizeof buffer;
    const ssize_t count = pread(from, buffer, wanted, at);
    if (count == 0) {
      break;
    }
    if (count < 0 || NEXT(pwrite)(to, buffer, (size_t)count, at) != count) {
      result = -1;
    }
    at += count;
  }
  if (result == 0) {
    result = NEXT(ftruncate)(to, size);
  }
  close(from);
  close(to);
  return result;
}

static int write_names(int folder, ino_t inode) {
  char name[PATH_MAX + 32];
  char temporary[PATH_MAX + 64];
  snprintf(name, sizeof name, "%s/d-%lu", durable, (unsigned long)inode);
  snprintf(temporary, sizeof temporary, "%s.new", name);
  const int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const entries = again >= 0 ? fdopendir(again) : NULL;
  FILE* const out = fopen(temporary, "we");
  if (entries == NULL || out == NULL) {
    return -1;
  }
  for (const struct dirent* entry; (entry = readdir(entries)) != NULL;) {
    if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
      fprintf(out, "%lu %c %s\n", (unsigned long)entry->d_ino, entry->d_type == DT_DIR ? 'd' : 'f', entry->d_name);
    }
  }
  closedir(entries);
  return fclose(out) == 0 && rename(temporary, name) == 0 ? 0 : -1;
}

static int bring_to_disk(int file, const struct stat* status) {
  pthread_mutex_lock(&mutex);
  int result = 0;
  if (S_ISDIR(status->st_mode)) {
    result = write_names(file, status->st_ino);
  } else if (S_ISREG(status->st_mode)) {
    struct changes* const changed = changes_of(status->st_ino, status->st_size);
    result = copy_changes(file, changed, status->st_size);
    if (result == 0) {
      changed->begin = changed->end = 0;
    }
  }
  if (result != 0) {
    perror("chaos: the state of the disk cannot be kept");
    errno = EIO;
  }
  pthread_mutex_unlock(&mutex);
  return result;
}

int fsync(int file) {
  struct stat status;
  return is_watched(file, &status) ? bring_to_disk(file, &status) : NEXT(fsync)(file);
}
int fdatasync(int file) {
  struct stat status;
  return is_watched(file, &status) ? bring_to_disk(file, &status) : NEXT(fdatasync)(file);
}

// Where a write without a place of its own has ended.
static void mark_behind(int file, ssize_t count) {
  if (count > 0) {
    const int error = errno;
    const off_t end = lseek(file, 0, SEEK_CUR);
    errno = error;
    if (end >= count) {
      mark(file, end - count, end);
    }
  }
}

ssize_t write(int file, const void* bytes, size_t size) {
  const ssize_t count = NEXT(write)(file, bytes, size);
  mark_behind(file, count);
  return count;
}
ssize_t writev(int file, const struct iovec* pieces, int number) {
  const ssize_t count = NEXT(writev)(file, pieces, number);
  mark_behind(file, count);
  return count;
}
ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  const ssize_t count = NEXT(pwrite)(file, bytes, size, at);
  if (count > 0) {
    mark(file, at, at + count);
  }
  return count;
}
ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) { return pwrite(file, bytes, size, at); }
ssize_t sendfile(int out, int in, off_t* at, size_t size) {
  const ssize_t count = NEXT(sendfile)(out, in, at, size);
  mark_behind(out, count);
  return count;
}
ssize_t sendfile64(int out, int in, off64_t* at, size_t size) { return sendfile(out, in, at, size); }
ssize_t copy_file_range(int in, off64_t* from, int out, off64_t* to, size_t size, unsigned flags) {
  const ssize_t count = NEXT(copy_file_range)(in, from, out, to, size, flags);
  if (to != NULL && count > 0) {
    mark(out, *to - count, *to);
  } else {
    mark_behind(out, count);
  }
  return count;
}
int ftruncate(int file, off_t size) {
  struct stat before;
  const int known = is_watched(file, &before);
  const int result = NEXT(ftruncate)(file, size);
  if (result == 0 && known) {
    mark(file, 0, size > before.st_size ? size : before.st_size);
  }
  return result;
}
int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }
int fallocate(int file, int mode, off_t at, off_t size) {
  const int result = NEXT(fallocate)(file, mode, at, size);
  if (result == 0) {
    mark(file, at, at + size);
  }
  return result;
}
int fallocate64(int file, int mode, off64_t at, off64_t size) { return fallocate(file, mode, at, size); }
int posix_fallocate(int file, off_t at, off_t size) {
  const int result = NEXT(posix_fallocate)(file, at, size);
  if (result == 0) {
    mark(file, at, at + size);
  }
  return result;
}
int posix_fallocate64(int file, off64_t at, off64_t size) { return posix_fallocate(file, at, size); }
