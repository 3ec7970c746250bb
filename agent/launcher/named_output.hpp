// What one compilation is told from others by, on its command line: the crate's name, or the path after -o as
// it was written. The launcher writes it down and module sccache looks for it again, so there is one
// function. Pure; safe from any thread.
#pragma once

#include <ranges>
#include <string_view>

namespace agent::launcher {

// Empty where the command line has neither.
template <std::ranges::input_range Arguments>
std::string_view named_output(const Arguments& arguments) {
  constexpr std::string_view k_output = "-o";
  constexpr std::string_view k_crate = "--crate-name";
  std::string_view before;
  std::string_view output;
  for (const auto& argument : arguments) {
    const std::string_view word(argument);
    if (before == k_crate) {
      return word;
    }
    if (before == k_output) {
      output = word;
    } else if (word.starts_with(k_output) && word.size() > k_output.size()) {
      output = std::string_view(word.data() + k_output.size(), word.size() - k_output.size());
    }
    before = word;
  }
  return output;
}

}  // namespace agent::launcher
