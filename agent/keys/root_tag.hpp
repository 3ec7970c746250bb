// The root tag: the one stable name under which a job finds what earlier jobs of its kind cached.
//   <prefix>-<toolchain>-sccache-<os>-<arch>[-<scope>][-<slug>-<hash16>][-run-<id>-<attempt>]
// The result depends on the inputs, and where they leave a part open on the toolchain file and this machine;
// never on the environment, the run, the commit or the time. docs/root-tags.md describes the format.
// Stateless; safe from any thread. Blocks on two small files, and on `rustc -V` only where asked to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/core/result.hpp"
#include "agent/io/json.hpp"
#include "agent/keys/tag_lint.hpp"

namespace agent::keys {

inline constexpr std::size_t k_tag_limit = 200;

struct RootTagInputs {
  std::string tag;        // the whole name, given by hand; the parts below are then not used
  std::string prefix;     // empty: "build"
  std::string toolchain;  // empty: the workspace's, see toolchain.hpp
  std::string os;         // any usual name; empty: this machine's
  std::string arch;       // any usual name; empty: this machine's
  std::string scope;
  std::string matrix;               // JSON text, `${{ toJSON(matrix) }}`
  std::filesystem::path workspace;  // where rust-toolchain(.toml) lies; empty: not looked at
  enum class AskCompiler : std::uint8_t { no, yes } ask_compiler = AskCompiler::no;  // yes: on a laptop
  enum class Kind : std::uint8_t { stable, run_scoped } kind = Kind::stable;
  RunFacts run;  // for run_scoped and for the lint; a stable tag never depends on it
};

struct TagPart {
  std::string name;    // prefix, toolchain, tool, os, arch, scope, matrix, run; or tag
  std::string value;   // as it stands in the tag
  std::string source;  // "input", "default", "rust-toolchain.toml", "this machine", …
  bool operator==(const TagPart&) const = default;
};

struct RootTag {
  std::string tag;  // [A-Za-z0-9._-]{1,200}
  std::vector<TagPart> parts;
  std::vector<std::string> warnings;  // plain words, one line each
  std::vector<std::string> remarks;   // the same, of what is usual and safe
};

// Errors: invalid, naming the input: a matrix that is no JSON object, run-scoped without a run id.
Result<RootTag> root_tag(const RootTagInputs& inputs);

// `{tag, parts:[{name,value,source}], warnings:[], remarks:[]}`, what `hearth tag --json` prints.
io::Json to_json(const RootTag& tag);

}  // namespace agent::keys
