// Linux system calls without a C library: the launcher runs once per compilation, and starting a static glibc
// costs it three times its own work. Only calls that exist on every 64-bit Linux (x86_64 and aarch64) are
// used. Every function returns what the kernel returns: a value, or an error as -errno. Nothing here
// allocates. Thread-safety: that of the calls. Strings are zero-terminated. Times are milliseconds unless
// named.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace agent::launcher::sys {

using Words = std::array<long, 6>;

long call(long number, const Words& words);

long open(const char* path, int flags, unsigned mode = 0);
long close(int fd);
long read(int fd, std::span<char> into);
long write(int fd, std::string_view bytes);
long read_at(int fd, std::span<char> into, long offset);
long write_at(int fd, std::string_view bytes, long offset);
long list(int folder, std::span<char> into);  // struct linux_dirent64, as many as fit; 0 at the end
long read_link(const char* path, std::span<char> into);
long working_directory(std::span<char> into);  // the length with its terminator
long status(const char* path, struct stat& into);
bool executable(const char* path);  // by the real user and group, as access(2) has it
bool is_terminal(int fd);
char* map(std::size_t size);  // zeroed private pages; null if there are none

long socket(int domain, int flags);
long connect(int fd, const void* address, unsigned size);
long set_option(int fd, int level, int name, std::span<const char> value);
long socket_error(int fd);
long send(int fd, std::string_view bytes);
long receive(int fd, std::span<char> into);
// Waits for `events` on fd; 0 when the time is over.
long wait_for(int fd, short events, long milliseconds);
void sleep(long milliseconds);

long lock_exclusive_now(int fd);  // -EWOULDBLOCK when another process holds it

long execute(const char* path, char* const* arguments, char* const* environment);
long fork();
long new_session();
long wait_child(long pid);
long pipe(std::array<int, 2>& ends);  // closed on exec
long duplicate(int from, int to);
void close_from(unsigned first);  // every descriptor from this one on
long change_directory(const char* path);
long process_id();
long process_handle(long pid);  // a descriptor that is readable once the process has ended
long signal_process(long pid, int signal);
[[noreturn]] void exit(int code);

std::int64_t monotonic_ms();

}  // namespace agent::launcher::sys
