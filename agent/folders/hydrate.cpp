#include "agent/folders/hydrate.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <span>
#include <system_error>
#include <utility>

#include "agent/io/checksum.hpp"

namespace agent::folders {

namespace {

constexpr std::size_t k_buffer_bytes = std::size_t{256} * 1024;
constexpr unsigned k_folder_mode = 0700;
constexpr unsigned k_file_mode = 0600;  // as the tools' own

}  // namespace

Hydrator::Hydrator(const CacheFolder& rules, io::Fd folder, io::fs::path path)
    : rules_(rules), folder_(std::move(folder)), path_(std::move(path)), buffer_(k_buffer_bytes) {}

Result<Hydrator> Hydrator::open(const CacheFolder& rules, const io::fs::path& folder) {
  std::error_code error;
  io::fs::remove_all(folder, error);
  if (error) {
    return fail_errno("clear", folder.string(), error.value());
  }
  AGENT_CHECK(io::make_folders(folder));
  AGENT_TRY(auto opened, io::open_file(folder, O_RDONLY | O_DIRECTORY));
  return Hydrator(rules, std::move(opened), folder);
}

// Parents come one by one: most of them were made for an earlier entry.
Result<void> Hydrator::make_parent(std::string_view path) {
  const auto end = path.rfind('/');
  if (end == std::string_view::npos) {
    return {};
  }
  const std::string parent(path.substr(0, end));
  if (made_.contains(parent)) {
    return {};
  }
  AGENT_CHECK(make_parent(parent));
  // In a folder that was just made whatever is there already is somebody else's, a link perhaps.
  if (::mkdirat(folder_.get(), parent.c_str(), k_folder_mode) != 0) {
    return fail_errno("make folder", (path_ / parent).string(), errno);
  }
  made_.insert(parent);
  return {};
}

Result<io::Fd> Hydrator::create(const std::string& path) {
  if (!rules_.is_entry(path)) {
    return fail(Errc::invalid, "'{}' is no entry of a cache folder of {}'s", path, rules_.tool);
  }
  AGENT_CHECK(make_parent(path));
  io::Fd file(::openat(folder_.get(), path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                       k_file_mode));
  if (!file.valid() && errno == EEXIST) {
    return fail(Errc::conflict, "{} is there already", (path_ / path).string());
  }
  if (!file.valid()) {
    return fail_errno("create", (path_ / path).string(), errno);
  }
  return file;
}

Result<void> Hydrator::write(std::string_view path, const io::FileSlice& slice, std::uint32_t crc32c) {
  AGENT_TRY(const auto file, create(std::string(path)));
  std::uint32_t crc = 0;
  for (std::uint64_t done = 0; done < slice.size;) {
    const auto part = std::span(buffer_).first(std::min<std::uint64_t>(buffer_.size(), slice.size - done));
    AGENT_CHECK(io::read_exact_at(slice.fd, part, slice.offset + done, path));
    crc = io::crc32c(part, crc);
    AGENT_CHECK(io::write_all(file.get(), part, path));
    done += part.size();
  }
  if (crc != crc32c) {
    return fail(Errc::corrupt, "the bytes of {} do not match their checksum", path);
  }
  return {};
}

Result<void> Hydrator::add(std::string_view path, const io::FileSlice& slice, std::uint32_t crc32c) {
  auto written = write(path, slice, crc32c);
  if (!written) {
    if (written.error().code != Errc::invalid && written.error().code != Errc::conflict) {
      ::unlinkat(folder_.get(), std::string(path).c_str(), 0);
    }
    return written;
  }
  ++files_;
  bytes_ += slice.size;
  return {};
}

Result<void> Hydrator::add(std::string_view path, std::string_view bytes) {
  const std::string name(path);
  AGENT_TRY(const auto file, create(name));
  if (auto written = io::write_all(file.get(), io::bytes_of(bytes), path); !written) {
    ::unlinkat(folder_.get(), name.c_str(), 0);
    return written;
  }
  ++files_;
  bytes_ += bytes.size();
  return {};
}

}  // namespace agent::folders
