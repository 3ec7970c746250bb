#include "agent/action/inputs.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <system_error>

#include "agent/core/text.hpp"
#include "agent/io/json.hpp"

namespace agent::action {

namespace {

constexpr std::string_view k_disk = "disk://";
constexpr std::string_view k_boringcache = "boringcache://";

std::string variable_name(std::string_view input) {
  std::string name = "INPUT_";
  for (const char letter : input) {
    if (letter == ' ') {
      name += '_';
    } else {
      const bool lower = letter >= 'a' && letter <= 'z';
      name += lower ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
  }
  return name;
}

Result<bool> read_bool(const io::Environment& environment, std::string_view name, bool otherwise) {
  const auto text = input_text(environment, name);
  if (text.empty()) {
    return otherwise;
  }
  return parse_bool(text, fmt::format("input {}", name));
}

Result<std::uint64_t> read_size(const io::Environment& environment, std::string_view name,
                                std::uint64_t otherwise) {
  const auto text = input_text(environment, name);
  if (text.empty()) {
    return otherwise;
  }
  return parse_size(text, fmt::format("input {}", name));
}

// "80", "99.5", "80 %".
Result<double> read_percent(const io::Environment& environment, std::string_view name, double otherwise) {
  const auto text = input_text(environment, name);
  if (text.empty()) {
    return otherwise;
  }
  double percent = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, percent);
  const auto unit = trimmed(std::string_view(rest, end));
  const bool in_range = percent >= 0 && percent <= 100;  // no "not a number" is
  if (error != std::errc{} || (!unit.empty() && unit != "%") || !in_range) {
    return fail(Errc::invalid, "input {}: '{}' is not a percentage from 0 to 100", name, text);
  }
  return percent;
}

bool has_control_character(std::string_view text) {
  return std::ranges::any_of(
      text, [](char letter) { return static_cast<unsigned char>(letter) < 0x20 || letter == 0x7F; });
}

// What is behind a network; its storage checks the rest.
bool is_remote(std::string_view url) {
  return !has_control_character(url) && (url == "github" || url.starts_with("github://") ||
                                         url.starts_with("s3://") || url.starts_with(k_boringcache));
}

// `workspace` and `api-url` are another way to write boringcache://.
Result<std::string> url_of_workspace(const io::Environment& environment, const std::string& workspace) {
  const auto api = input_text(environment, "api-url");
  if (api.empty()) {
    return fmt::format("{}/{}", k_boringcache, workspace);
  }
  const auto end = api.find("://");
  const auto scheme = api.substr(0, std::min(end, api.size()));
  auto host = end == std::string::npos ? std::string() : api.substr(end + 3);
  host = host.substr(0, host.find('/'));
  if (host.empty() || (scheme != "http" && scheme != "https")) {
    return fail(Errc::invalid, "input api-url: '{}' is no URL such as https://cache.example.org", api);
  }
  return fmt::format("{}{}/{}?scheme={}", k_boringcache, host, workspace, scheme);
}

Result<BackendInput> read_backend(const io::Environment& environment) {
  auto text = input_text(environment, "backend");
  const auto workspace = input_text(environment, "workspace");
  if (workspace.empty() && !input_text(environment, "api-url").empty()) {
    return fail(Errc::invalid, "input api-url: it needs a workspace, OWNER/NAME");
  }
  if (!workspace.empty()) {
    if (!text.empty() && text != "auto") {
      return fail(Errc::invalid, "input workspace: the backend is '{}' already; leave one of them out", text);
    }
    AGENT_TRY(text, url_of_workspace(environment, workspace));
  }
  if (text.empty() || text == "auto") {
    return BackendInput{};
  }
  if (text == "none") {
    return BackendInput{.kind = BackendInput::Kind::none, .url = {}};
  }
  BackendInput backend{.kind = BackendInput::Kind::named, .url = text};
  if (is_remote(text)) {
    return backend;
  }
  const auto folder = backend.disk_folder();
  if (folder.empty()) {
    return fail(Errc::invalid,
                "input backend: '{}' is not a backend; use auto, none, github, s3://bucket/prefix, "
                "boringcache://host/owner/workspace or disk:///absolute/path/on/the/host",
                text);
  }
  const io::fs::path path(text.substr(k_disk.size()));
  const bool climbs = std::ranges::any_of(path, [](const auto& part) { return part == ".."; });
  if (!path.is_absolute() || climbs || folder == "/" || has_control_character(folder)) {
    return fail(Errc::invalid,
                "input backend: disk:// needs an absolute path without '..' below the root, not '{}'",
                folder);
  }
  return backend;
}

// "true" and "false", or how much.
Result<std::optional<std::uint64_t>> read_preload(const io::Environment& environment) {
  const auto text = input_text(environment, "preload");
  if (text.empty()) {
    return std::nullopt;
  }
  if (const auto wanted = parse_bool(text, "input preload"); wanted && text != "1" && text != "0") {
    return *wanted ? std::nullopt : std::optional<std::uint64_t>(0);
  }
  auto bytes = parse_size(text, "input preload");
  if (!bytes) {
    return fail(Errc::invalid, "input preload: '{}' is neither true, false nor a size such as 2GiB", text);
  }
  return *bytes;
}

Result<std::string> read_matrix(const io::Environment& environment) {
  auto text = input_text(environment, "matrix");
  if (!text.empty()) {
    AGENT_TRY(const auto json, io::parse_json(text, "input matrix", {.bytes = std::size_t{64} * 1024}));
    if (!json.is_object() && !json.is_null()) {
      return fail(Errc::invalid, "input matrix: an object is expected; write ${{{{ toJSON(matrix) }}}}");
    }
  }
  return text;
}

Result<app::SccacheMode> read_sccache_mode(const io::Environment& environment) {
  const auto text = input_text(environment, "sccache-mode");
  if (text.empty()) {
    return app::SccacheMode::automatic;
  }
  auto mode = app::parse_sccache_mode(text);
  if (!mode) {
    return with_context("input sccache-mode", std::move(mode).error());
  }
  return mode;
}

// Names between commas, blanks or line ends.
Result<Inputs::Tools> read_tools(const io::Environment& environment) {
  const auto text = input_text(environment, "tools");
  if (text.empty()) {
    return Inputs::Tools{};
  }
  Inputs::Tools tools{.sccache = false, .ccache = false};
  for (std::size_t at = 0; at < text.size();) {
    constexpr std::string_view k_between = ", \t\r\n";
    const auto end = std::min(text.find_first_of(k_between, at), text.size());
    const auto name = std::string_view(text).substr(at, end - at);
    if (name == "sccache") {
      tools.sccache = true;
    } else if (name == "ccache") {
      tools.ccache = true;
    } else if (!name.empty()) {
      return fail(Errc::invalid, "input tools: '{}' is none; sccache and ccache are", name);
    }
    at = end + 1;
  }
  return tools;
}

}  // namespace

std::string BackendInput::disk_folder() const {
  if (!url.starts_with(k_disk)) {
    return {};
  }
  auto folder = io::fs::path(url.substr(k_disk.size())).lexically_normal().string();
  if (folder.size() > 1 && folder.ends_with('/')) {
    folder.pop_back();
  }
  return folder;
}

// GitHub's tokens are known by how they begin ("About authentication to GitHub", token formats; read
// 2026-11).
Secret Inputs::server_token() const {
  constexpr std::array<std::string_view, 6> k_of_github = {"ghp_", "gho_", "ghu_",
                                                           "ghs_", "ghr_", "github_pat_"};
  const bool is_of_github =
      std::ranges::any_of(k_of_github, [this](auto prefix) { return token.reveal().starts_with(prefix); });
  return is_of_github ? Secret() : token;
}

std::string input_text(const io::Environment& environment, std::string_view name) {
  return std::string(trimmed(io::variable_in(environment, variable_name(name))));
}

Result<Inputs> read_inputs(const io::Environment& environment) {
  Inputs inputs;
  inputs.tag = input_text(environment, "tag");
  inputs.tag_prefix = input_text(environment, "tag-prefix");
  inputs.toolchain = input_text(environment, "toolchain");
  inputs.scope = input_text(environment, "scope");
  AGENT_TRY(inputs.matrix, read_matrix(environment));
  AGENT_TRY(inputs.run_scoped, read_bool(environment, "run-scoped", false));
  AGENT_TRY(inputs.backend, read_backend(environment));
  inputs.token = Secret(input_text(environment, "token"));
  AGENT_TRY(inputs.mode, keys::parse_mode(input_text(environment, "mode")));
  AGENT_TRY(inputs.sccache_mode, read_sccache_mode(environment));
  AGENT_TRY(inputs.tools, read_tools(environment));
  AGENT_TRY(inputs.fail_on_miss, read_bool(environment, "fail-on-miss", false));
  AGENT_TRY(inputs.fail_on_cache_error, read_bool(environment, "fail-on-cache-error", false));
  AGENT_TRY(inputs.preload_bytes, read_preload(environment));
  AGENT_TRY(inputs.max_size_bytes, read_size(environment, "max-size", inputs.max_size_bytes));
  AGENT_TRY(inputs.max_tag_bytes, read_size(environment, "max-tag-size", inputs.max_tag_bytes));
  AGENT_TRY(inputs.min_free_bytes, read_size(environment, "min-free-space", inputs.min_free_bytes));
  AGENT_TRY(inputs.min_hit_rate, read_percent(environment, "min-hit-rate", inputs.min_hit_rate));
  AGENT_TRY(inputs.summary, read_bool(environment, "summary", true));
  if (inputs.max_size_bytes == 0) {
    return fail(Errc::invalid, "input max-size: must be more than nothing");
  }
  return inputs;
}

}  // namespace agent::action
