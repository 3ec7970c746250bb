#include "agent/io/xml.hpp"

#include <algorithm>
#include <optional>

#include "agent/core/text.hpp"

namespace agent::io {

namespace {

constexpr std::string_view k_blanks = " \t\r\n";

bool is_name_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
         c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

void append_utf8(std::string& to, std::uint32_t point) {
  const auto tail = [&](unsigned shift) { to += static_cast<char>(0x80U | ((point >> shift) & 0x3FU)); };
  if (point < 0x80) {
    to += static_cast<char>(point);
  } else if (point < 0x800) {
    to += static_cast<char>(0xC0U | (point >> 6U));
    tail(0);
  } else if (point < 0x10000) {
    to += static_cast<char>(0xE0U | (point >> 12U));
    tail(6);
    tail(0);
  } else {
    to += static_cast<char>(0xF0U | (point >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

// "#65", "#x41"; empty where it names no character.
std::optional<std::uint32_t> numbered(std::string_view entity) {
  constexpr std::uint32_t k_last = 0x10FFFF;
  const bool hex = entity.starts_with("#x");
  const auto digits = entity.substr(hex ? 2 : 1);
  std::uint32_t point = 0;
  for (const char c : digits) {
    const bool decimal = c >= '0' && c <= '9';
    const bool letter = hex && ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'));
    if (!decimal && !letter) {
      return std::nullopt;
    }
    const auto value = static_cast<std::uint32_t>(decimal ? c - '0' : (c | 0x20) - 'a' + 10);
    point = (point * (hex ? 16 : 10)) + value;
    if (point > k_last) {
      return std::nullopt;
    }
  }
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return digits.empty() || point == 0 || surrogate ? std::nullopt : std::optional(point);
}

class Parser final {
public:
  Parser(std::string_view text, std::string_view what, const XmlLimits& limits)
      : text_(text), what_(what), limits_(limits) {}

  Result<XmlElement> document() {
    if (text_.starts_with("\xEF\xBB\xBF")) {
      at_ = 3;
    }
    AGENT_CHECK(skip_between());
    XmlElement root;
    AGENT_CHECK(element(root, limits_.depth));
    AGENT_CHECK(skip_between());
    if (at_ != text_.size()) {
      return wrong("something follows the root element");
    }
    return root;
  }

private:
  std::unexpected<Error> wrong(std::string_view why) const {
    return fail(Errc::invalid, "{}: not the XML that was expected: {} at byte {}", what_, why, at_);
  }

  std::string_view rest() const { return text_.substr(at_); }
  bool sees(std::string_view token) const { return rest().starts_with(token); }

  Result<void> skip_past(std::string_view token) {
    const auto end = text_.find(token, at_);
    if (end == std::string_view::npos) {
      return wrong("it ends too early");
    }
    at_ = end + token.size();
    return {};
  }

  // Blanks, comments and processing instructions outside the root element.
  Result<void> skip_between() {
    while (true) {
      at_ = std::min(text_.find_first_not_of(k_blanks, at_), text_.size());
      if (sees("<?")) {
        AGENT_CHECK(skip_past("?>"));
      } else if (sees("<!--")) {
        AGENT_CHECK(skip_past("-->"));
      } else {
        return {};
      }
    }
  }

  Result<std::string_view> name() {
    const auto begin = at_;
    while (at_ < text_.size() && is_name_byte(text_[at_])) {
      ++at_;
    }
    if (at_ == begin) {
      return wrong("a name is missing");
    }
    return text_.substr(begin, at_ - begin);
  }

  // Behind the name of a start tag; true where it also ends the element ("/>").
  Result<bool> rest_of_tag() {
    while (true) {
      at_ = std::min(text_.find_first_not_of(k_blanks, at_), text_.size());
      if (sees(">") || sees("/>")) {
        const bool empty = sees("/>");
        at_ += empty ? 2 : 1;
        return empty;
      }
      AGENT_CHECK(name());
      at_ = std::min(text_.find_first_not_of(k_blanks, at_), text_.size());
      if (!sees("=")) {
        return wrong("malformed attribute");
      }
      at_ = std::min(text_.find_first_not_of(k_blanks, at_ + 1), text_.size());
      if (!sees("\"") && !sees("'")) {
        return wrong("malformed attribute");
      }
      const auto quote = text_.substr(at_++, 1);
      AGENT_CHECK(skip_past(quote));
    }
  }

  Result<void> element(XmlElement& into, int depth_left) {
    if (depth_left == 0 || elements_++ >= limits_.elements) {
      return wrong("too deep or too many elements");
    }
    if (!sees("<")) {
      return wrong("an element is missing");
    }
    ++at_;
    AGENT_TRY(const auto full_name, name());
    into.name = full_name.substr(full_name.rfind(':') + 1);
    if (into.name.empty()) {
      return wrong("a name is nothing but its prefix");
    }
    AGENT_TRY(const bool empty, rest_of_tag());
    return empty ? Result<void>{} : content(into, full_name, depth_left);
  }

  Result<void> content(XmlElement& into, std::string_view full_name, int depth_left) {
    while (at_ < text_.size()) {
      if (sees("</")) {
        at_ += 2;
        AGENT_TRY(const auto closing, name());
        at_ = std::min(text_.find_first_not_of(k_blanks, at_), text_.size());
        if (closing != full_name || !sees(">")) {
          return wrong("elements are not nested");
        }
        ++at_;
        return {};
      }
      if (sees("<!--")) {
        AGENT_CHECK(skip_past("-->"));
      } else if (sees("<![CDATA[")) {
        constexpr std::size_t k_opening = 9;
        const auto begin = at_ + k_opening;
        AGENT_CHECK(skip_past("]]>"));
        into.text += text_.substr(begin, at_ - 3 - begin);
      } else if (sees("<?")) {
        AGENT_CHECK(skip_past("?>"));
      } else if (sees("<")) {
        AGENT_CHECK(element(into.children.emplace_back(), depth_left - 1));
      } else if (sees("&")) {
        AGENT_CHECK(entity(into.text));
      } else {
        const auto end = std::min(text_.find_first_of("<&", at_), text_.size());
        into.text += text_.substr(at_, end - at_);
        at_ = end;
      }
    }
    return wrong("it ends too early");
  }

  Result<void> entity(std::string& into) {
    constexpr std::size_t k_longest = 12;
    const auto end = rest().substr(0, k_longest).find(';');
    if (end == std::string_view::npos) {
      return wrong("malformed entity");
    }
    const auto entity = rest().substr(1, end - 1);
    if (entity == "amp" || entity == "lt" || entity == "gt" || entity == "quot" || entity == "apos") {
      into += entity == "amp"    ? '&'
              : entity == "lt"   ? '<'
              : entity == "gt"   ? '>'
              : entity == "quot" ? '"'
                                 : '\'';
    } else if (const auto point = entity.starts_with('#') ? numbered(entity) : std::nullopt) {
      append_utf8(into, *point);
    } else {
      return wrong("unknown entity");
    }
    at_ += end + 1;
    return {};
  }

  std::string_view text_;
  std::string_view what_;
  const XmlLimits& limits_;
  std::size_t at_ = 0;
  std::size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view child_name) const {
  const auto found = std::ranges::find(children, child_name, &XmlElement::name);
  return found == children.end() ? nullptr : &*found;
}

std::string_view XmlElement::text_at(std::string_view path) const {
  const auto* element = this;
  for (const auto step : split(path, '/')) {
    element = element->child(step);
    if (element == nullptr) {
      return {};
    }
  }
  return element->text;
}

Result<XmlElement> parse_xml(std::string_view text, std::string_view what, XmlLimits limits) {
  if (text.size() > limits.bytes) {
    return fail(Errc::invalid, "{}: {} bytes of XML; at most {} are read", what, text.size(), limits.bytes);
  }
  return Parser(text, what, limits).document();
}

}  // namespace agent::io
