#include "agent/slots/makeflags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <vector>

namespace agent::slots {

namespace {

constexpr std::string_view k_blanks = " \t";
constexpr std::string_view k_variables_follow = "--";

bool is_number(std::string_view word) {
  return !word.empty() && std::ranges::all_of(word, [](unsigned char c) { return std::isdigit(c) != 0; });
}

// Up to the next blank that has no backslash before it.
std::string_view next_word(std::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && !k_blanks.contains(text[end])) {
    end += text[end] == '\\' ? 2U : 1U;
  }
  return text.substr(0, end);
}

bool names_a_jobserver(std::string_view word) {
  return word.starts_with("--jobserver-auth=") || word.starts_with("--jobserver-fds=");
}

bool says_how_many(std::string_view word) {
  return word == "-j" || word == "--jobs" || word.starts_with("--jobs=") ||
         (word.starts_with("-j") && is_number(word.substr(2)));
}

}  // namespace

std::string with_jobserver(std::string_view flags, Descriptors descriptors) {
  std::string options;
  std::string_view rest = flags;
  bool may_be_count = false;  // of "-j 4"
  while (true) {
    rest.remove_prefix(std::min(rest.find_first_not_of(k_blanks), rest.size()));
    const auto word = next_word(rest);
    if (word.empty() || word == k_variables_follow) {
      break;
    }
    rest.remove_prefix(word.size());
    const bool is_count = may_be_count && is_number(word);
    may_be_count = word == "-j" || word == "--jobs";
    if (!is_count && !says_how_many(word) && !names_a_jobserver(word)) {
      // make takes the first word for letters unless a dash or a blank says otherwise.
      fmt::format_to(std::back_inserter(options), "{}{}",
                     options.empty() && !word.starts_with('-') ? "" : " ", word);
    }
  }
  return fmt::format("{} -j --jobserver-auth={},{}{}{}", options, descriptors.read, descriptors.write,
                     rest.empty() ? "" : " ", rest);
}

}  // namespace agent::slots
