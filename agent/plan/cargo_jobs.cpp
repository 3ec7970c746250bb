#include "agent/plan/cargo_jobs.hpp"

#include <fmt/format.h>

#include <vector>

#include "agent/core/text.hpp"

namespace agent::plan {

namespace {

constexpr std::uint64_t k_file_limit = std::uint64_t{1} << 20U;

// The key of a line `key = …`, without a comment; empty for other lines.
std::string_view key_of(std::string_view line) {
  line = trimmed(line);
  const auto at = line.find('=');
  return line.starts_with('#') || at == std::string_view::npos ? std::string_view{}
                                                               : trimmed(line.substr(0, at));
}

// "[build]", also with a comment after it.
std::string_view header_of(std::string_view line) {
  line = trimmed(line);
  const auto end = line.find(']');
  return line.starts_with('[') && end != std::string_view::npos ? line.substr(0, end + 1)
                                                                : std::string_view{};
}

std::unexpected<Error> by_hand(unsigned jobs) {
  return fail(Errc::invalid,
              ".cargo/config.toml: it sets build in a way that hearth does not change; write jobs = {} there "
              "yourself",
              jobs);
}

}  // namespace

Result<std::string> with_cargo_jobs(std::string_view text, unsigned jobs) {
  if (text.contains(R"(""")") || text.contains("'''")) {
    return by_hand(jobs);  // a line may be inside of a string then
  }
  const auto line_of_jobs = fmt::format("jobs = {}", jobs);
  std::string out;
  bool in_build = false;
  bool in_top = true;
  bool done = false;
  auto lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) {
    lines.pop_back();
  }
  for (const auto line : lines) {
    const auto key = key_of(line);
    if (in_top && (key == "build" || key.starts_with("build."))) {
      return by_hand(jobs);
    }
    if (const auto header = header_of(line); !header.empty()) {
      in_top = false;
      in_build = header == "[build]";
      out += fmt::format("{}\n", line);
      if (in_build && !done) {
        done = true;
        out += line_of_jobs + "\n";
      }
      continue;
    }
    if (!in_build || key != "jobs") {
      out += fmt::format("{}\n", line);
    }
  }
  if (!done) {
    out += fmt::format("{}[build]\n{}\n", out.empty() ? "" : "\n", line_of_jobs);
  }
  return out;
}

Result<void> write_cargo_jobs(const io::fs::path& path, unsigned jobs) {
  auto text = io::read_file(path, k_file_limit);
  if (!text && text.error().code != Errc::not_found) {
    return std::unexpected(std::move(text).error());
  }
  AGENT_TRY(const auto changed, with_cargo_jobs(text.value_or(""), jobs));
  AGENT_TRY(const auto owner, io::owner_of(path.parent_path().parent_path()));
  AGENT_CHECK(io::make_folders(path.parent_path()));
  AGENT_CHECK(io::write_file(path, changed));
  AGENT_CHECK(io::give_to(path.parent_path(), owner));
  return io::give_to(path, owner);
}

}  // namespace agent::plan
