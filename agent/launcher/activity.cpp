#include "agent/launcher/activity.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>
#include <string_view>

#include "agent/launcher/server.hpp"
#include "agent/launcher/sys.hpp"
#include "agent/launcher/text.hpp"

namespace agent::launcher {
namespace {

constexpr std::size_t k_folder_buffer = 2048;
constexpr std::size_t k_entry_name = 19;    // of struct linux_dirent64, getdents64(2): where the name begins
constexpr std::size_t k_entry_length = 16;  // and where its length is, two bytes
constexpr std::size_t k_children_buffer = 1024;

// What a file in /proc says, as far as it fits; less than 0 where it cannot be read.
long read_small(CString path, std::span<char> into) {
  const long fd = sys::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return fd;
  }
  const long size = sys::read(static_cast<int>(fd), into);
  sys::close(static_cast<int>(fd));
  return size;
}

// "17 23 " as numbers, to `each`; ends early where that returns true.
template <typename Each>
bool any_number(std::string_view text, Each each) {
  std::int64_t number = 0;
  for (const char character : text) {
    if (character >= '0' && character <= '9') {
      number = (number * 10) + (character - '0');
    } else if (number != 0) {
      if (each(number)) {
        return true;
      }
      number = 0;
    }
  }
  return number != 0 && each(number);
}

bool runs_now(std::int64_t process) {
  const char state = activity_of(process).state();
  return state != 0 && state != 'Z' && state != 'X';
}

bool thread_has_running_child(std::int64_t process, std::string_view thread) {
  Line path;
  path.add("/proc/").add(process).add("/task/").add(thread).add("/children");
  std::array<char, k_children_buffer> text{};
  const long size = read_small(path.c_string(), text);
  if (size < 0) {
    return size != -ESRCH;  // it ended meanwhile, or the kernel does not tell
  }
  return any_number({text.data(), static_cast<std::size_t>(size)}, runs_now);
}

// The threads' folders in what getdents64 gave.
bool any_thread(std::int64_t process, std::string_view entries) {
  while (entries.size() > k_entry_name) {
    std::uint16_t length = 0;
    std::memcpy(&length, entries.data() + k_entry_length, sizeof length);
    if (length <= k_entry_name || length > entries.size()) {
      return false;
    }
    const std::string_view name(entries.data() + k_entry_name);
    if (name.front() != '.' && thread_has_running_child(process, name)) {
      return true;
    }
    entries.remove_prefix(length);
  }
  return false;
}

}  // namespace

char Activity::state() const {
  const std::string_view all(text.data(), size);
  const auto name_end = all.rfind(')');  // the name in parentheses may hold anything
  return name_end != std::string_view::npos && name_end + 2 < size ? all[name_end + 2] : '\0';
}

bool Activity::operator==(const Activity& other) const {
  return size == other.size && text == other.text;
}

Activity activity_of(std::int64_t process) {
  Activity activity;
  Line path;
  path.add("/proc/").add(process).add("/stat");
  const long size = read_small(path.c_string(), activity.text);
  activity.size = size > 0 ? static_cast<std::size_t>(size) : 0;
  return activity;
}

bool may_have_running_child(std::int64_t process) {
  Line path;
  path.add("/proc/").add(process).add("/task");
  const long fd = sys::open(path.c_string().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) {
    return fd != -ENOENT;
  }
  std::array<char, k_folder_buffer> entries{};
  bool found = false;
  while (!found) {
    const long size = sys::list(static_cast<int>(fd), entries);
    if (size <= 0) {
      found = size < 0;
      break;
    }
    found = any_thread(process, {entries.data(), static_cast<std::size_t>(size)});
  }
  sys::close(static_cast<int>(fd));
  return found;
}

bool Watch::gives_up() {
  const std::int64_t process = running_server(config_);
  const auto now = activity_of(process);
  if (process == 0 || now.size == 0) {
    return false;  // not to be seen from here, or gone: then the connection says so
  }
  const std::int64_t time = sys::monotonic_ms();
  if (now.stopped()) {
    return !may_have_running_child(process);
  }
  if (!(now == last_) || may_have_running_child(process)) {
    last_ = now;
    idle_since_ms_ = time;
    return false;
  }
  return time - idle_since_ms_ >= config_.idle_ms;
}

}  // namespace agent::launcher
