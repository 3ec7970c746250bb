// The launcher's entry, without a C library: the kernel's stack in, an exit code out; and the memory
// functions that compilers call by themselves. Linked with -nostdlib, so anything that would need more does
// not link.

#include <cstddef>
#include <cstdint>

#include "agent/launcher/run.hpp"
#include "agent/launcher/sys.hpp"

#if defined(__x86_64__)
asm(".globl _start\n"
    "_start:\n"
    "  xor %ebp, %ebp\n"
    "  mov %rsp, %rdi\n"
    "  and $-16, %rsp\n"
    "  call launcher_begin\n");
#elif defined(__aarch64__)
asm(".globl _start\n"
    "_start:\n"
    "  mov x29, #0\n"
    "  mov x30, #0\n"
    "  mov x0, sp\n"
    "  bl launcher_begin\n");
#endif

// The names are the compiler's and the linker's.
// NOLINTBEGIN(readability-inconsistent-declaration-parameter-name,misc-use-internal-linkage)
extern "C" {

// Initially the stack holds the argument count, the arguments, a null, the environment, a null.
[[noreturn, gnu::used]] void launcher_begin(std::intptr_t* stack) {
  auto** arguments = reinterpret_cast<char**>(stack + 1);
  agent::launcher::sys::exit(agent::launcher::run(arguments, arguments + *stack + 1));
}

void* memcpy(void* __restrict to, const void* __restrict from, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
#if defined(__x86_64__)
  asm volatile("rep movsb" : "+D"(target), "+S"(source), "+c"(size) : : "memory");
#else
  while (size-- != 0) {
    *target++ = *source++;
  }
#endif
  return to;
}

void* memmove(void* to, const void* from, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  const auto* source = static_cast<const unsigned char*>(from);
  if (target <= source || target >= source + size) {
    return memcpy(to, from, size);
  }
  while (size-- != 0) {
    target[size] = source[size];
  }
  return to;
}

void* memset(void* to, int value, std::size_t size) {
  auto* target = static_cast<unsigned char*>(to);
  for (std::size_t index = 0; index < size; ++index) {
    target[index] = static_cast<unsigned char>(value);
  }
  return to;
}

int memcmp(const void* one, const void* other, std::size_t size) {
  const auto* left = static_cast<const unsigned char*>(one);
  const auto* right = static_cast<const unsigned char*>(other);
  for (std::size_t index = 0; index < size; ++index) {
    if (left[index] != right[index]) {
      return left[index] - right[index];
    }
  }
  return 0;
}

void* memchr(const void* where, int value, std::size_t size) {
  const auto* bytes = static_cast<const unsigned char*>(where);
  for (std::size_t index = 0; index < size; ++index) {
    if (bytes[index] == static_cast<unsigned char>(value)) {
      return const_cast<unsigned char*>(bytes + index);  // NOLINT: the standard's own signature
    }
  }
  return nullptr;
}

std::size_t strlen(const char* text) {
  std::size_t size = 0;
  while (text[size] != '\0') {
    ++size;
  }
  return size;
}

}  // extern "C"
// NOLINTEND(readability-inconsistent-declaration-parameter-name,misc-use-internal-linkage)
