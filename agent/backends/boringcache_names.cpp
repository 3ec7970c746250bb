#include "agent/backends/boringcache_names.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_prefix = "hearth_";
constexpr std::size_t k_longest_tag = 512;

std::string escaped(std::string_view name) {
  std::string tag(k_prefix);
  for (const char c : name) {
    if (c == '/') {
      tag += "_s";
    } else if (c == '_') {
      tag += "__";
    } else if (c == '.' && tag.ends_with('.')) {
      tag += "_d";
    } else {
      tag += c;
    }
  }
  return tag;
}

std::optional<char> unescaped(char c) {
  switch (c) {
    case 's':
      return '/';
    case '_':
      return '_';
    case 'd':
      return '.';
    case 'h':
      return '-';
    default:
      return std::nullopt;
  }
}

}  // namespace

Result<std::string> tag_of_object(std::string_view name) {
  auto tag = escaped(name);
  if (tag.ends_with('.') || tag.ends_with('-')) {
    const auto* const escape = tag.ends_with('.') ? "_d" : "_h";
    tag.pop_back();
    tag += escape;
  }
  if (tag.size() > k_longest_tag) {
    return fail(Errc::invalid, "'{}' gives a tag of {} bytes; a server takes {}", name, tag.size(),
                k_longest_tag);
  }
  return tag;
}

std::string tag_prefix_of(std::string_view prefix) {
  // What a '.' or '-' at the end becomes depends on whether more follows.
  auto known = prefix;
  while (known.ends_with('.') || known.ends_with('-')) {
    known.remove_suffix(1);
  }
  return escaped(known);
}

std::optional<std::string> object_of_tag(std::string_view tag) {
  if (!tag.starts_with(k_prefix)) {
    return std::nullopt;
  }
  tag.remove_prefix(k_prefix.size());
  std::string name;
  for (std::size_t i = 0; i < tag.size(); ++i) {
    if (tag[i] != '_') {
      name += tag[i];
      continue;
    }
    const auto meant = i + 1 < tag.size() ? unescaped(tag[++i]) : std::nullopt;
    if (!meant) {
      return std::nullopt;
    }
    name += *meant;
  }
  return name;
}

}  // namespace agent::backends
