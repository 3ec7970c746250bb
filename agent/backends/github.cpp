// GitHub's cache service as an object storage (docs/formats.md, "In GitHub's cache service"): one entry per
// object, and a line of entries per pointer.
#include <algorithm>
#include <iterator>
#include <map>
#include <thread>
#include <utility>

#include "agent/backends/builtin.hpp"
#include "agent/backends/github_blobs.hpp"
#include "agent/backends/github_immutable.hpp"
#include "agent/backends/github_lineage.hpp"
#include "agent/backends/github_rest.hpp"
#include "agent/backends/object_name.hpp"

namespace agent::backends {

namespace {

constexpr std::string_view k_moving = "tags/";

bool moves(std::string_view name) {
  return name.starts_with(k_moving);
}

void let_pass(std::chrono::milliseconds time) {
  std::this_thread::sleep_for(time);
}

class Github final : public ObjectStorage {
public:
  Github(GithubConfig config, const StorageServices& services)
      : config_(std::move(config)),
        cache_(open_actions_cache(config_, services.clock, services.registry)),
        rest_(config_, services.clock, services.registry),
        objects_(*cache_, services.clock, {.patience = config_.patience, .pause = let_pass}),
        lines_(*cache_, services.clock, {.patience = config_.patience, .pause = let_pass}) {}

  // The limit of 200 uploads a minute is the repository's: thirty jobs at once keep within it.
  Pace pace() const override {
    return {.uploads_per_minute = 6,
            .flush_bytes = std::uint64_t{64} << 20U,
            .flush_age = std::chrono::minutes(5),
            .pack_bytes = std::uint64_t{1} << 30U,
            .packs = 8,
            .tag_bytes = std::uint64_t{4} << 30U};
  }

  std::string describe() const override {
    return "github://" + (config_.repository.empty() ? "cache" : config_.repository);
  }

  Result<Put> put_if_absent(std::string_view name, const Source& source) override {
    AGENT_CHECK(check_object_name(name));
    AGENT_CHECK(check_writable("put", name));
    return explained(moves(name) ? create_pointer(name, source) : objects_.put(name, source));
  }

  Result<std::optional<std::string>> get(std::string_view name, Range range) override {
    AGENT_CHECK(check_object_name(name));
    if (!moves(name)) {
      return explained(objects_.get(name, range));
    }
    AGENT_TRY(auto object, read(name));
    if (!object) {
      return std::optional<std::string>{};
    }
    if (range.offset > object->content.size() || range.size > object->content.size() - range.offset) {
      return fail(Errc::corrupt, "get {} in {}: it ends before the range does", name, describe());
    }
    return std::optional(object->content.substr(range.offset, range.size));
  }

  Result<std::optional<io::FileSlice>> open_in_place(std::string_view name) override {
    AGENT_CHECK(check_object_name(name));
    return fail(Errc::unsupported, "open {} in {}: it can be read by range only", name, describe());
  }

  Result<std::optional<Versioned>> read(std::string_view name) override {
    AGENT_CHECK(check_object_name(name));
    if (moves(name)) {
      return explained(lines_.read(name));
    }
    AGENT_TRY(auto content, explained(objects_.read(name, k_small_object_bytes)));
    return content ? std::optional(Versioned{.content = *std::move(content), .version = "1"}) : std::nullopt;
  }

  Result<std::string> compare_and_swap(std::string_view name, const std::optional<std::string>& expected,
                                       std::string_view content) override {
    AGENT_CHECK(check_object_name(name));
    if (!moves(name)) {
      return fail(Errc::invalid, "swap {} in {}: only what is below {} moves", name, describe(), k_moving);
    }
    AGENT_CHECK(check_writable("swap", name));
    return explained(lines_.swap(name, expected, content));
  }

  Result<void> remove(std::string_view name) override {
    AGENT_CHECK(check_object_name(name));
    AGENT_CHECK(check_writable("remove", name));
    AGENT_TRY(const auto entries, explained(rest_.list(name)));
    for (const auto& entry : entries) {
      if (name_of_entry(entry.key) == name) {
        AGENT_CHECK(explained(rest_.remove(entry)));
      }
    }
    moves(name) ? lines_.forget(name) : objects_.forget(name);
    return {};
  }

  Result<std::vector<ObjectInfo>> list(std::string_view prefix) override {
    AGENT_CHECK(check_object_prefix(prefix));
    AGENT_TRY(const auto entries, explained(rest_.list(prefix)));
    std::map<std::string, ObjectInfo> objects;
    for (const auto& entry : entries) {  // by creation: the last one of a name counts
      const auto name = name_of_entry(entry.key);
      if (const auto number = moves(name) ? generation_of(name, entry.key) : std::nullopt) {
        lines_.note(name, *number);
      }
      const auto header = moves(name) ? k_generation_header_bytes : 0;
      objects.insert_or_assign(
          name, ObjectInfo{.name = name,
                           .size = entry.size_bytes - std::min<std::uint64_t>(entry.size_bytes, header),
                           .modified = entry.created,
                           .area = entry.ref});
    }
    std::vector<ObjectInfo> listed;
    std::ranges::transform(objects, std::back_inserter(listed), [](const auto& at) { return at.second; });
    std::erase_if(listed, [&](const ObjectInfo& object) { return !object.name.starts_with(prefix); });
    return listed;
  }

  Result<std::uint64_t> tidy(bool dry_run, const std::function<bool()>& go_on) override {
    AGENT_TRY(const auto entries, explained(rest_.list(k_moving)));
    std::uint64_t removed = 0;
    for (const auto& entry : superseded(entries)) {
      if (!go_on()) {
        return fail(Errc::cancelled, "tidy {}: put off", describe());
      }
      if (!dry_run) {
        AGENT_CHECK(check_writable("remove", entry.key));
        AGENT_CHECK(explained(rest_.remove(entry)));
      }
      ++removed;
    }
    return removed;
  }

  Result<std::optional<Usage>> usage() override {
    if (!rest_.has_token()) {
      return std::optional<Usage>{};
    }
    AGENT_TRY(const auto bytes, explained(rest_.usage()));
    return std::optional(Usage{.bytes = bytes, .limit_bytes = config_.quota_bytes});
  }

private:
  // Generations that nobody needs. The last ones stay, because a writer may still look for one that was
  // passed over, and those of the last day: their numbers must not come free while a generation may appear
  // late, which a writer who does not know better would take for the head.
  static std::vector<ListedEntry> superseded(const std::vector<ListedEntry>& entries) {
    constexpr std::chrono::hours k_kept{24};
    std::map<std::pair<std::string, std::string>, std::uint64_t> heads;  // by ref and name
    Wall now{};
    for (const auto& entry : entries) {
      const auto name = name_of_entry(entry.key);
      auto& head = heads[{entry.ref, name}];
      head = std::max(head, generation_of(name, entry.key).value_or(0));
      now = std::max(now, entry.created);
    }
    std::vector<ListedEntry> old;
    std::ranges::copy_if(entries, std::back_inserter(old), [&](const ListedEntry& entry) {
      const auto name = name_of_entry(entry.key);
      const auto number = generation_of(name, entry.key);
      return number && *number + k_most_skipped < heads[{entry.ref, name}] && entry.created + k_kept < now;
    });
    return old;
  }

  // The object that an entry belongs to.
  static std::string name_of_entry(std::string_view key) {
    if (moves(key)) {
      const auto slash = key.rfind('/');
      const auto name = key.substr(0, slash);
      return std::string(generation_of(name, key) ? name : key);
    }
    return std::string(key.substr(0, key.find(k_alias_mark)));
  }

  Result<void> check_writable(std::string_view operation, std::string_view name) const {
    if (config_.writes()) {
      return {};
    }
    return fail(Errc::denied, "{} {} in {}: this job is read-only, its ACTIONS_CACHE_MODE is {}", operation,
                name, describe(), config_.cache_mode);
  }

  Result<Put> create_pointer(std::string_view name, const Source& source) {
    AGENT_TRY(const auto piece, piece_of(source, {.offset = 0, .size = size_of(source)}));
    const auto made = lines_.swap(name, std::nullopt, piece.view());
    if (!made && made.error().code != Errc::conflict) {
      return std::unexpected(made.error());
    }
    return made ? Put::created : Put::existed;
  }

  template <typename T>
  Result<T> explained(Result<T> answer) const {
    if (!answer) {
      return with_context(describe(), std::move(answer).error());
    }
    return answer;
  }

  GithubConfig config_;
  std::unique_ptr<ActionsCache> cache_;
  GithubRest rest_;
  ImmutableEntries objects_;
  Lineages lines_;
};

}  // namespace

Result<std::unique_ptr<ObjectStorage>> make_github(const StorageUrl& url, const StorageServices& services) {
  AGENT_TRY(auto config, github_config(url, services.variables));
  if (config.cache_mode == "none") {
    return fail(Errc::denied, "backend github: this job's ACTIONS_CACHE_MODE is none");
  }
  return std::make_unique<Github>(std::move(config), services);
}

}  // namespace agent::backends
