// The part of XML 1.0 that service answers are made of: elements, text, the five named entities and numeric
// ones, comments, CDATA. Attributes, processing instructions and the prefixes of names are dropped. A
// document type is refused, so that nothing expands. Values; parsing is bounded in size, depth and elements.
// Errors: invalid, naming `what`, the reason and where.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/result.hpp"

namespace agent::io {

struct XmlElement {
  std::string name;  // without prefix
  std::string text;  // its own, without that of its children
  std::vector<XmlElement> children;

  // The first child of this name; null where there is none.
  const XmlElement* child(std::string_view child_name) const;

  // The text of the element that a path such as "Credentials/AccessKeyId" leads to; empty where none does.
  std::string_view text_at(std::string_view path) const;
};

struct XmlLimits {
  std::size_t bytes = std::size_t{4} << 20U;
  int depth = 16;
  std::size_t elements = 50'000;
};

Result<XmlElement> parse_xml(std::string_view text, std::string_view what, XmlLimits limits = {});

}  // namespace agent::io
