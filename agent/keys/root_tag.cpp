#include "agent/keys/root_tag.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/keys/tag_part.hpp"
#include "agent/keys/toolchain.hpp"

namespace agent::keys {

namespace {

// With seven dashes, "sccache", the matrix (24 + 1 + 16) and the run (4 + 16 + 1 + 4) these make k_tag_limit.
constexpr std::size_t k_prefix_limit = 28;
constexpr std::size_t k_toolchain_limit = 28;
constexpr std::size_t k_platform_limit = 16;  // os, arch
constexpr std::size_t k_scope_limit = 32;
constexpr std::size_t k_run_id_limit = 16;
constexpr std::size_t k_attempt_limit = 4;
static_assert(k_prefix_limit + k_toolchain_limit + (2 * k_platform_limit) + k_scope_limit + 7 + 7 + 41 + 25 ==
              k_tag_limit);
constexpr std::size_t k_whole_limit = 170;  // a tag given by hand, before its run
constexpr std::string_view k_input = "input";

class Builder {
public:
  explicit Builder(const RunFacts& run) : run_(run) {}

  // A part whose text came from people, and may therefore carry what a tag must not.
  void input(std::string_view name, std::string_view text, std::size_t limit) {
    const auto cleaned = trimmed(text);
    lint(name, cleaned);
    add(name, fit_for_tag(cleaned, limit), k_input);
  }

  void add(std::string_view name, std::string value, std::string_view source) {
    result_.parts.push_back(
        {.name = std::string(name), .value = std::move(value), .source = std::string(source)});
  }

  void lint(std::string_view name, std::string_view text) {
    for (auto& warning : lint_part(name, text, run_)) {
      warn(std::move(warning));
    }
  }

  void warn(std::string text) {
    if (std::ranges::find(result_.warnings, text) == result_.warnings.end()) {
      result_.warnings.push_back(std::move(text));
    }
  }

  void remark(std::string text) { result_.remarks.push_back(std::move(text)); }

  RootTag finish() && {
    for (const auto& part : result_.parts) {
      result_.tag += result_.tag.empty() ? "" : "-";
      result_.tag += part.value;
    }
    return std::move(result_);
  }

private:
  const RunFacts& run_;
  RootTag result_;
};

void add_toolchain(Builder& builder, const RootTagInputs& inputs) {
  if (!trimmed(inputs.toolchain).empty()) {
    builder.input("toolchain", inputs.toolchain, k_toolchain_limit);
    return;
  }
  auto found = inputs.workspace.empty() ? Toolchain{.version = {}, .source = "no toolchain was given"}
                                        : pinned_toolchain(inputs.workspace);
  if (found.version.empty() && inputs.ask_compiler == RootTagInputs::AskCompiler::yes) {
    auto installed = installed_toolchain(inputs.workspace);
    if (!installed.version.empty()) {
      found = std::move(installed);
    }
  }
  if (!found.version.empty()) {
    builder.add("toolchain", fit_for_tag(found.version, k_toolchain_limit), found.source);
    return;
  }
  builder.add("toolchain", "any", "default: " + found.source);
  builder.remark("the toolchain part is 'any', because " + found.source +
                 "; safe, since cache keys carry the compiler's hash, but compilers then share one tag");
}

void add_platform(Builder& builder, const RootTagInputs& inputs) {
  utsname machine{};
  const bool known = ::uname(&machine) == 0;
  const auto add = [&](std::string_view name, std::string_view given, const char* own, auto resolve) {
    if (!trimmed(given).empty()) {
      builder.lint(name, given);
      builder.add(name, fit_for_tag(resolve(given), k_platform_limit), k_input);
    } else {
      builder.add(name, fit_for_tag(resolve(known ? own : "unknown"), k_platform_limit), "this machine");
    }
  };
  add("os", inputs.os, static_cast<const char*>(machine.sysname), platform_os);
  add("arch", inputs.arch, static_cast<const char*>(machine.machine), platform_arch);
}

// Every value of the matrix on its own: a key such as "attempt" is a legitimate axis.
void lint_matrix(Builder& builder, const io::Json& value) {
  if (const auto* members = value.object()) {
    std::ranges::for_each(*members, [&](const auto& member) { lint_matrix(builder, member.second); });
  } else if (const auto* items = value.array()) {
    std::ranges::for_each(*items, [&](const auto& item) { lint_matrix(builder, item); });
  } else if (const auto* text = value.string()) {
    builder.lint("matrix", *text);
  } else {
    builder.lint("matrix", value.dump());
  }
}

Result<void> add_matrix(Builder& builder, const RootTagInputs& inputs) {
  AGENT_TRY(const auto matrix, matrix_part(inputs.matrix));
  if (matrix.empty()) {
    return {};
  }
  AGENT_TRY(const auto values, io::parse_json(matrix.canonical, "matrix"));
  lint_matrix(builder, values);
  builder.add("matrix", matrix.slug + "-" + matrix.hash, k_input);
  return {};
}

Result<void> add_run(Builder& builder, const RootTagInputs& inputs) {
  const auto id = trimmed(inputs.run.id);
  if (id.empty()) {
    return fail(Errc::invalid, "run-scoped: the run's id is not known (GITHUB_RUN_ID is not set)");
  }
  const auto attempt = trimmed(inputs.run.attempt);
  const auto within = [](std::string_view text, std::size_t limit) {
    const bool plain = text.size() <= limit && text.find_first_not_of("0123456789") == std::string_view::npos;
    return plain ? std::string(text) : hash16(text).substr(0, limit);
  };
  builder.add(
      "run",
      "run-" + within(id, k_run_id_limit) + "-" + within(attempt.empty() ? "1" : attempt, k_attempt_limit),
      "this run");
  builder.warn("run-scoped: no other run reads this tag, so every build starts cold; meant for benchmarks");
  return {};
}

}  // namespace

Result<RootTag> root_tag(const RootTagInputs& inputs) {
  Builder builder(inputs.run);
  if (!trimmed(inputs.tag).empty()) {
    builder.input("tag", inputs.tag, k_whole_limit);
  } else {
    if (trimmed(inputs.prefix).empty()) {
      builder.add("prefix", "build", "default");
    } else {
      builder.input("prefix", inputs.prefix, k_prefix_limit);
    }
    add_toolchain(builder, inputs);
    builder.add("tool", "sccache", "fixed");
    add_platform(builder, inputs);
    if (!trimmed(inputs.scope).empty()) {
      builder.input("scope", inputs.scope, k_scope_limit);
    }
    AGENT_CHECK(add_matrix(builder, inputs));
  }
  if (inputs.kind == RootTagInputs::Kind::run_scoped) {
    AGENT_CHECK(add_run(builder, inputs));
  }
  return std::move(builder).finish();
}

io::Json to_json(const RootTag& tag) {
  io::JsonArray parts;
  for (const auto& part : tag.parts) {
    parts.emplace_back(io::JsonObject{{"name", part.name}, {"value", part.value}, {"source", part.source}});
  }
  return io::JsonObject{{"tag", tag.tag},
                        {"parts", std::move(parts)},
                        {"warnings", io::JsonArray(tag.warnings.begin(), tag.warnings.end())},
                        {"remarks", io::JsonArray(tag.remarks.begin(), tag.remarks.end())}};
}

}  // namespace agent::keys
