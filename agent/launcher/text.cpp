#include "agent/launcher/text.hpp"

#include <algorithm>

#include "agent/launcher/sys.hpp"

namespace agent::launcher {
namespace {

constexpr std::size_t k_alignment = alignof(std::max_align_t);
constexpr std::size_t k_page_step = std::size_t{256} * 1024;

std::size_t padding(const char* address) {
  return (k_alignment - (reinterpret_cast<std::uintptr_t>(address) % k_alignment)) % k_alignment;
}

}  // namespace

std::span<char> Arena::take(std::size_t size) {
  const std::size_t skip = padding(free_.data());
  if (size + skip <= free_.size()) {
    const std::span<char> taken = free_.subspan(skip, size);
    free_ = free_.subspan(skip + size);
    return taken;
  }
  const std::size_t whole = std::max(size, k_page_step);
  char* pages = sys::map(whole);
  if (pages == nullptr) {
    return {};
  }
  const std::span<char> fresh(pages, whole);
  if (whole - size > free_.size()) {
    free_ = fresh.subspan(size);
  }
  return fresh.first(size);
}

CString Arena::join(std::span<const std::string_view> parts) {
  std::size_t size = 1;
  for (const std::string_view part : parts) {
    size += part.size();
  }
  const std::span<char> joined = take(size);
  if (joined.empty()) {
    return {};
  }
  char* end = joined.data();
  for (const std::string_view part : parts) {
    end = std::ranges::copy(part, end).out;
  }
  *end = '\0';
  return {joined.data(), size - 1};
}

Line& Line::add(std::string_view text) {
  const std::size_t count = std::min(text.size(), buffer_.size() - size_);
  std::copy_n(text.begin(), count, buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += count;
  return *this;
}

Line& Line::add(std::int64_t number) {
  std::array<char, 20> digits{};
  auto* place = digits.data() + digits.size();
  auto rest = static_cast<std::uint64_t>(number < 0 ? -number : number);
  do {
    *--place = static_cast<char>('0' + (rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (number < 0) {
    *--place = '-';
  }
  return add(std::string_view(place, digits.end()));
}

CString Line::c_string() {
  size_ = std::min(size_, buffer_.size() - 1);
  buffer_[size_] = '\0';
  return {buffer_.data(), size_};
}

const char* find_variable(char* const* environment, std::string_view name) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return *environment + name.size() + 1;
    }
  }
  return nullptr;
}

std::string_view variable_name(std::string_view entry) {
  const std::size_t equals = entry.find('=', 1);
  return equals == std::string_view::npos ? std::string_view{} : std::string_view(entry.data(), equals);
}

std::span<char* const> terminated(char* const* list) {
  std::size_t count = 0;
  while (list[count] != nullptr) {
    ++count;
  }
  return {list, count};
}

}  // namespace agent::launcher
