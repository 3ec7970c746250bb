#include "agent/folders/collect.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>
#include <span>
#include <utility>

#include "agent/core/text.hpp"
#include "agent/folders/cache_folder.hpp"

namespace agent::folders {

namespace {

constexpr std::string_view k_header = "hearth-filled-1";
constexpr std::uint64_t k_max_list = std::uint64_t{1} << 30U;
constexpr int k_max_depth = 6;

struct Entry {
  std::string path;         // below the folder
  std::uint64_t inode = 0;  // with its size mixed in where entries are replaced in place
};

std::uint64_t hash_of(std::string_view path) {
  constexpr std::uint64_t k_basis = 14695981039346656037U;  // FNV-1a
  constexpr std::uint64_t k_prime = 1099511628211U;
  std::uint64_t hash = k_basis;
  for (const char letter : path) {
    hash = (hash ^ static_cast<unsigned char>(letter)) * k_prime;
  }
  return hash;
}

// An inode that was freed is given again at once, so that an entry that was replaced twice between two looks
// may have its first one. It has grown, though.
std::uint64_t mark_of(const struct stat& status) {
  constexpr unsigned k_half = 32;
  return static_cast<std::uint64_t>(status.st_ino) ^ (static_cast<std::uint64_t>(status.st_size) << k_half);
}

// Calls `visit` for every entry below a folder. What vanishes meanwhile is passed over.
class Walk final {
public:
  using Visit = std::function<Result<void>(int folder, const char* name, const Entry& entry)>;

  Walk(const CacheFolder& rules, const Visit& visit) : rules_(rules), visit_(visit) {}

  Result<void> folder(io::Fd opened, int depth) {
    const int number = opened.get();
    const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(number), ::closedir);
    if (!list) {
      return fail_errno("list", path_, errno);
    }
    static_cast<void>(opened.release());  // the list owns it now
    const auto length = path_.size();
    while (const dirent* const item = ::readdir(list.get())) {
      const std::string_view name(static_cast<const char*>(item->d_name));
      if (name.starts_with('.')) {
        continue;
      }
      path_ += name;
      const auto looked = look_at(number, *item, depth);
      path_.resize(length);
      AGENT_CHECK(looked);
    }
    return {};
  }

private:
  Result<void> look_at(int folder_number, const dirent& item, int depth) {
    const char* const name = static_cast<const char*>(item.d_name);
    auto kind = item.d_type;
    Entry entry{.path = {}, .inode = item.d_ino};
    const bool replaced = rules_.may_be_replaced(path_);
    if (kind == DT_UNKNOWN || (replaced && kind == DT_REG)) {
      struct stat status{};
      if (::fstatat(folder_number, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        return {};
      }
      kind = S_ISDIR(status.st_mode) ? DT_DIR : S_ISREG(status.st_mode) ? DT_REG : DT_UNKNOWN;
      entry.inode = replaced ? mark_of(status) : static_cast<std::uint64_t>(status.st_ino);
    }
    if (kind == DT_DIR && depth < k_max_depth) {
      io::Fd below(::openat(folder_number, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
      path_ += '/';
      return below.valid() ? folder(std::move(below), depth + 1) : Result<void>{};
    }
    if (kind != DT_REG || !rules_.is_entry(path_)) {
      return {};
    }
    entry.path = path_;
    return visit_(folder_number, name, entry);
  }

  const CacheFolder& rules_;
  const Visit& visit_;
  std::string path_;
};

Result<void> walk(const CacheFolder& rules, const io::fs::path& folder, const Walk::Visit& visit) {
  AGENT_TRY(auto opened, io::open_file(folder, O_RDONLY | O_DIRECTORY));
  return Walk(rules, visit).folder(std::move(opened), 1);
}

// "hearth-filled-1 <files> <bytes>"
std::optional<FilledWith> parse_header(std::string_view line) {
  const auto words = split(line, ' ');
  if (words.size() != 3 || words[0] != k_header) {
    return std::nullopt;
  }
  const auto files = parse_number(words[1], "files");
  const auto bytes = parse_number(words[2], "bytes");
  return files && bytes ? std::optional(FilledWith{.files = *files, .bytes = *bytes}) : std::nullopt;
}

// "<inode> <path>"
std::optional<Entry> parse_line(const CacheFolder& rules, std::string_view line) {
  const auto space = line.find(' ');
  if (space == std::string_view::npos) {
    return std::nullopt;
  }
  const auto inode = parse_number(line.substr(0, space), "inode");
  const auto path = line.substr(space + 1);
  if (!inode || !rules.is_entry(path)) {
    return std::nullopt;
  }
  return Entry{.path = std::string(path), .inode = *inode};
}

}  // namespace

Result<void> Collector::remember(const FilledWith& filled) {
  std::string list = fmt::format("{} {} {}\n", k_header, filled.files, filled.bytes);
  known_.clear();
  AGENT_CHECK(
      walk(rules_, folder_, [&](int /*folder*/, const char* /*name*/, const Entry& entry) -> Result<void> {
        known_[hash_of(entry.path)] = entry.inode;
        list += fmt::format("{} {}\n", entry.inode, entry.path);
        return {};
      }));
  return io::write_file(list_beside(folder_), list, {.mode = 0600});
}

Result<FilledWith> parse_list(const CacheFolder& rules, std::string_view text,
                              const std::function<void(std::string_view path, std::uint64_t mark)>& known) {
  const auto lines = split(text, '\n');
  const auto filled = parse_header(lines.front());
  if (!filled) {
    return fail(Errc::corrupt, "it does not begin with '{}' and two numbers", k_header);
  }
  for (const auto line : std::span(lines).subspan(1)) {
    if (const auto entry = parse_line(rules, line)) {
      known(entry->path, entry->inode);
    }
  }
  return *filled;
}

Result<FilledWith> Collector::recall() {
  const auto path = list_beside(folder_);
  AGENT_TRY(const auto text, io::read_file(path, k_max_list));
  known_.clear();
  auto filled = parse_list(
      rules_, text, [&](std::string_view entry, std::uint64_t mark) { known_[hash_of(entry)] = mark; });
  if (!filled) {
    return with_context(path.string(), std::move(filled).error());
  }
  return filled;
}

Result<Collected> Collector::collect(const Take& take) {
  Collected done;
  AGENT_CHECK(walk(rules_, folder_, [&](int folder, const char* name, const Entry& entry) -> Result<void> {
    const auto hash = hash_of(entry.path);
    const auto known = known_.find(hash);
    if (known != known_.end() && known->second == entry.inode) {
      return {};
    }
    const auto file = std::make_shared<io::Fd>(
        // A pipe that somebody put there must not hold us up.
        ::openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status{};
    if (!file->valid() || ::fstat(file->get(), &status) != 0 || !S_ISREG(status.st_mode)) {
      ++done.vanished;
      return {};
    }
    const io::FileSlice slice{
        .fd = file->get(), .offset = 0, .size = static_cast<std::uint64_t>(status.st_size), .pin = file};
    if (auto taken = take(entry.path, slice); !taken) {
      ++done.failed;
      done.error = done.error ? done.error : std::move(taken).error();
      return {};
    }
    ++done.files;
    known_[hash] = entry.inode;  // if another one has taken the name since, the next look sees that
    return {};
  }));
  return done;
}

}  // namespace agent::folders
