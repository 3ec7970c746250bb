#include "agent/core/result.hpp"

#include <cerrno>
#include <system_error>

namespace agent {

std::string_view name_of(Errc code) {
  switch (code) {
    case Errc::invalid:
      return "invalid";
    case Errc::not_found:
      return "not_found";
    case Errc::conflict:
      return "conflict";
    case Errc::transient:
      return "transient";
    case Errc::denied:
      return "denied";
    case Errc::corrupt:
      return "corrupt";
    case Errc::full:
      return "full";
    case Errc::unsupported:
      return "unsupported";
    case Errc::cancelled:
      return "cancelled";
    case Errc::io:
      return "io";
  }
  return "unknown";
}

namespace {

Errc code_of_errno(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return Errc::full;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::denied;
    default:
      return Errc::io;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(std::string_view operation, std::string_view thing, int error) {
  return fail(code_of_errno(error), "{} {}: {}", operation, thing, std::generic_category().message(error));
}

std::unexpected<Error> with_context(std::string_view context, Error error) {
  error.message = fmt::format("{}: {}", context, error.message);
  return std::unexpected(std::move(error));
}

}  // namespace agent
