// The files that a run's compilations read: each is read once, digested, and looked through for #include
// lines. Those are followed where a compiler wrote nothing down: every branch of #if counts, names made by
// macros do not, and what only the compiler's own search path has (system headers) is left out. What is found
// is therefore more than the compiler read, never another file than it would have taken.
// Used by one thread. Blocks on the disk. Source: GCC manual, "Directory Options"; read 2026-11.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace agent::sccache {

inline constexpr std::size_t k_max_input_files = 50'000;
inline constexpr std::size_t k_max_input_bytes = std::size_t{16} << 20U;  // larger ones have no digest

struct InputFile {
  std::string path;          // absolute, or "env:NAME" for a variable that a source asks for
  std::uint64_t digest = 0;  // the first bytes of its SHA-256

  bool operator==(const InputFile&) const = default;
};

// Folders to search, absolute: `quoted` only for #include "…", `all` for both.
struct SearchPath {
  std::vector<std::string> quoted;
  std::vector<std::string> all;
};

class InputFiles final {
public:
  using Number = std::uint32_t;  // of a file, in the order in which files were first met

  // Empty where it is no readable file, is too large, or one too many.
  std::optional<Number> file(const std::string& path);
  std::optional<Number> variable(std::string_view name, std::string_view value);

  // Everything that can be reached from these by #include, themselves too; ascending.
  std::vector<Number> reach(const std::vector<Number>& from, const SearchPath& search);

  std::vector<InputFile> finish() &&;

private:
  struct Include {
    std::string name;
    bool quoted;
  };
  struct Known {
    InputFile file;
    std::string folder;
    std::vector<Include> includes;
  };
  static std::vector<Include> includes_of(std::string_view text);
  std::optional<Number> add(Known known);
  std::optional<Number> resolve(Number from, std::size_t which, const SearchPath& search);
  std::uint64_t number_of(const SearchPath& search);

  std::string text_;  // of the file that is looked at; one memory for all
  std::vector<Known> files_;
  std::unordered_map<std::string, std::optional<Number>>
      by_path_;  // as asked for, and as it is normally written
  std::unordered_map<std::string, std::uint64_t> searches_;
  std::unordered_map<std::uint64_t, std::vector<std::optional<Number>>> resolved_;  // by search path and file
};

}  // namespace agent::sccache
