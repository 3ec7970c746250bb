#include "agent/keys/tag_lint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>

#include "agent/core/text.hpp"

namespace agent::keys {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z');
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

// A run of digits with no digit at either side.
struct Number {
  std::size_t begin = 0;
  std::string_view digits;
};

std::vector<Number> numbers_in(std::string_view text) {
  std::vector<Number> numbers;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
      continue;
    }
    const auto begin = i;
    while (i < text.size() && is_digit(text[i])) {
      ++i;
    }
    numbers.push_back({.begin = begin, .digits = text.substr(begin, i - begin)});
  }
  return numbers;
}

// Whether one of `words` stands right before `at`, as a whole word, with at most one of "-_.:#/ " between.
bool follows_word(std::string_view text, std::size_t at, std::initializer_list<std::string_view> words) {
  auto before = text.substr(0, at);
  if (!before.empty() && std::string_view("-_.:#/ =").contains(before.back())) {
    before.remove_suffix(1);
  }
  return std::ranges::any_of(words, [&](std::string_view word) {
    return before.ends_with(word) &&
           (before.size() == word.size() || !is_word(before[before.size() - word.size() - 1]));
  });
}

bool holds_run_id(std::string_view text, std::string_view id) {
  constexpr std::size_t k_telling = 5;  // shorter numbers occur in versions and names
  return std::ranges::any_of(numbers_in(text), [&](const Number& number) {
    return number.digits == id &&
           (id.size() >= k_telling || follows_word(text, number.begin, {"run", "run-id", "run_id", "runid"}));
  });
}

bool holds_attempt(std::string_view text, std::string_view attempt) {
  return std::ranges::any_of(numbers_in(text), [&](const Number& number) {
    return number.digits == attempt &&
           follows_word(text, number.begin,
                        {"attempt", "run", "retry", "try", "run-attempt", "run_attempt", "rerun"});
  });
}

bool holds_sha(std::string_view text, std::string_view sha) {
  constexpr std::size_t k_shortest = 7;  // what git abbreviates to
  return sha.size() >= k_shortest && text.contains(sha.substr(0, k_shortest));
}

// "2026-11-21" or "20261121", where `text` begins with it: its length.
std::size_t date_length(std::string_view text) {
  constexpr std::array<std::string_view, 2> k_shapes = {"20##-##-##", "20######"};
  for (const auto shape : k_shapes) {
    if (text.size() < shape.size()) {
      continue;
    }
    std::string digits;
    bool same = true;
    for (std::size_t i = 0; i < shape.size() && same; ++i) {
      same = shape[i] == '#' ? is_digit(text[i]) : shape[i] == text[i];
      digits += is_digit(text[i]) ? std::string(1, text[i]) : "";
    }
    const auto month = same ? digits.substr(4, 2) : "";
    const auto day = same ? digits.substr(6, 2) : "";
    if (same && month >= "01" && month <= "12" && day >= "01" && day <= "31") {
      return shape.size();
    }
  }
  return 0;
}

bool is_epoch(std::string_view digits) {
  const bool seconds = digits.size() == 10 && digits >= "1500000000" && digits < "2500000000";
  const bool milliseconds = digits.size() == 13 && digits >= "1500000000000" && digits < "2500000000000";
  return seconds || milliseconds;
}

bool holds_time(std::string_view text) {
  return std::ranges::any_of(numbers_in(text), [&](const Number& number) {
    if (is_epoch(number.digits)) {
      return true;
    }
    const auto length = date_length(text.substr(number.begin));
    if (length == 0) {
      return false;
    }
    const auto after = text.substr(number.begin + length);
    const bool with_time = !after.empty() && (after.front() == 't' || is_digit(after.front()));
    return with_time ? after.size() >= 3 : !follows_word(text, number.begin, {"nightly", "beta", "stable"});
  });
}

}  // namespace

std::vector<std::string> lint_part(std::string_view part, std::string_view value, const RunFacts& run) {
  const auto text = lowered(value);
  std::vector<std::string> warnings;
  const auto warn = [&](std::string_view what) {
    warnings.push_back(
        fmt::format("{} contains {}: the tag is new each time, so every build starts cold", part, what));
  };
  const bool run_id = all_digits(run.id) && holds_run_id(text, run.id);
  if (run_id) {
    warn("this run's id");
  }
  if (all_digits(run.attempt) && holds_attempt(text, run.attempt)) {
    warn("this run's attempt");
  }
  if (holds_sha(text, lowered(run.sha))) {
    warn("this commit's SHA");
  }
  if (!run_id && holds_time(text)) {
    warn("a date or time");
  }
  return warnings;
}

}  // namespace agent::keys
