#include "agent/launcher/sys.hpp"

#include <asm/termbits.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csignal>

namespace agent::launcher::sys {
namespace {

template <typename T>
long word(const T* pointer) {
  return reinterpret_cast<long>(pointer);
}

long length(std::size_t size) {
  return static_cast<long>(size);
}

timespec interval(long milliseconds) {
  return {.tv_sec = milliseconds / 1000, .tv_nsec = (milliseconds % 1000) * 1'000'000};
}

}  // namespace

// Registers are filled from plain locals: a sanitizer makes a function call of every read through a
// reference, and a call between two of these lines would overwrite the register before.
#if defined(__x86_64__)
long call(long number, const Words& words) {
  const long a = words[0];
  const long b = words[1];
  const long c = words[2];
  const long d = words[3];
  const long e = words[4];
  const long f = words[5];
  long result = 0;
  register long fourth asm("r10") = d;
  register long fifth asm("r8") = e;
  register long sixth asm("r9") = f;
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a), "S"(b), "d"(c), "r"(fourth), "r"(fifth), "r"(sixth)
               : "rcx", "r11", "memory");
  return result;
}
#elif defined(__aarch64__)
long call(long number, const Words& words) {
  const long a = words[0];
  const long b = words[1];
  const long c = words[2];
  const long d = words[3];
  const long e = words[4];
  const long f = words[5];
  register long which asm("x8") = number;
  register long first asm("x0") = a;
  register long second asm("x1") = b;
  register long third asm("x2") = c;
  register long fourth asm("x3") = d;
  register long fifth asm("x4") = e;
  register long sixth asm("x5") = f;
  asm volatile("svc 0"
               : "+r"(first)
               : "r"(which), "r"(second), "r"(third), "r"(fourth), "r"(fifth), "r"(sixth)
               : "memory");
  return first;
}
#else
#error "the launcher knows the system calls of x86_64 and aarch64 only"
#endif

long open(const char* path, int flags, unsigned mode) {
  return call(SYS_openat, {AT_FDCWD, word(path), flags, static_cast<long>(mode)});
}
long close(int fd) {
  return call(SYS_close, {fd});
}
long read(int fd, std::span<char> into) {
  return call(SYS_read, {fd, word(into.data()), length(into.size())});
}
long write(int fd, std::string_view bytes) {
  return call(SYS_write, {fd, word(bytes.data()), length(bytes.size())});
}
long read_at(int fd, std::span<char> into, long offset) {
  return call(SYS_pread64, {fd, word(into.data()), length(into.size()), offset});
}
long write_at(int fd, std::string_view bytes, long offset) {
  return call(SYS_pwrite64, {fd, word(bytes.data()), length(bytes.size()), offset});
}
long list(int folder, std::span<char> into) {
  return call(SYS_getdents64, {folder, word(into.data()), length(into.size())});
}
long read_link(const char* path, std::span<char> into) {
  return call(SYS_readlinkat, {AT_FDCWD, word(path), word(into.data()), length(into.size())});
}
long working_directory(std::span<char> into) {
  return call(SYS_getcwd, {word(into.data()), length(into.size())});
}
long status(const char* path, struct stat& into) {
  return call(SYS_newfstatat, {AT_FDCWD, word(path), word(&into), 0});
}
bool executable(const char* path) {
  return call(SYS_faccessat, {AT_FDCWD, word(path), X_OK}) == 0;
}

bool is_terminal(int fd) {
  termios settings{};
  return call(SYS_ioctl, {fd, TCGETS, word(&settings)}) == 0;
}

char* map(std::size_t size) {
  const long address =
      call(SYS_mmap, {0, length(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0});
  return address < 0 ? nullptr : reinterpret_cast<char*>(address);  // NOLINT(performance-no-int-to-ptr)
}

long socket(int domain, int flags) {
  return call(SYS_socket, {domain, SOCK_STREAM | SOCK_CLOEXEC | flags});
}
long connect(int fd, const void* address, unsigned size) {
  return call(SYS_connect, {fd, reinterpret_cast<long>(address), static_cast<long>(size)});
}
long set_option(int fd, int level, int name, std::span<const char> value) {
  return call(SYS_setsockopt, {fd, level, name, word(value.data()), length(value.size())});
}

long socket_error(int fd) {
  int error = 0;
  unsigned size = sizeof(error);
  const long asked = call(SYS_getsockopt, {fd, SOL_SOCKET, SO_ERROR, word(&error), word(&size)});
  return asked < 0 ? asked : -error;
}

long send(int fd, std::string_view bytes) {
  return call(SYS_sendto, {fd, word(bytes.data()), length(bytes.size()), MSG_NOSIGNAL});
}
long receive(int fd, std::span<char> into) {
  return call(SYS_recvfrom, {fd, word(into.data()), length(into.size())});
}

long wait_for(int fd, short events, long milliseconds) {
  pollfd watched{.fd = fd, .events = events, .revents = 0};
  timespec limit = interval(milliseconds);
  return call(SYS_ppoll, {word(&watched), 1, word(&limit)});
}

void sleep(long milliseconds) {
  const timespec pause = interval(milliseconds);
  call(SYS_nanosleep, {word(&pause)});
}

long lock_exclusive_now(int fd) {
  return call(SYS_flock, {fd, LOCK_EX | LOCK_NB});
}

long execute(const char* path, char* const* arguments, char* const* environment) {
  return call(SYS_execve, {word(path), word(arguments), word(environment)});
}
long fork() {
  return call(SYS_clone, {SIGCHLD});
}
long new_session() {
  return call(SYS_setsid, {});
}
long wait_child(long pid) {
  return call(SYS_wait4, {pid});
}
long pipe(std::array<int, 2>& ends) {
  return call(SYS_pipe2, {word(ends.data()), O_CLOEXEC});
}
long duplicate(int from, int to) {
  return call(SYS_dup3, {from, to});
}
void close_from(unsigned first) {
  if (call(SYS_close_range, {static_cast<long>(first), ~0U}) >= 0) {
    return;
  }
  // Before Linux 5.9, and where a sandbox forbids what it does not know.
  struct {
    unsigned long soft = 0;
    unsigned long hard = 0;
  } limit;
  constexpr unsigned long k_most = 65536;
  if (call(SYS_prlimit64, {0, RLIMIT_NOFILE, 0, word(&limit)}) < 0 || limit.soft > k_most) {
    limit.soft = k_most;
  }
  for (auto fd = static_cast<unsigned long>(first); fd < limit.soft; ++fd) {
    close(static_cast<int>(fd));
  }
}
long change_directory(const char* path) {
  return call(SYS_chdir, {word(path)});
}
long process_id() {
  return call(SYS_getpid, {});
}
long process_handle(long pid) {
  return call(SYS_pidfd_open, {pid});
}
long signal_process(long pid, int signal) {
  return call(SYS_kill, {pid, signal});
}

void exit(int code) {
  while (true) {
    call(SYS_exit_group, {code});
  }
}

std::int64_t monotonic_ms() {
  timespec now{};
  call(SYS_clock_gettime, {CLOCK_MONOTONIC, word(&now)});
  return (std::int64_t{now.tv_sec} * 1000) + (now.tv_nsec / 1'000'000);
}

}  // namespace agent::launcher::sys
