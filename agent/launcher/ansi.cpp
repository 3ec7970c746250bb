#include "agent/launcher/ansi.hpp"

#include <algorithm>
#include <cstdint>

namespace agent::launcher {
namespace {

constexpr unsigned char k_cancel = 0x18;
constexpr unsigned char k_substitute = 0x1A;
constexpr unsigned char k_escape = 0x1B;
constexpr unsigned char k_delete = 0x7F;
constexpr unsigned char k_bell = 0x07;
constexpr unsigned char k_string_end = 0x9C;
constexpr std::string_view k_replacement = "\xEF\xBF\xBD";

// The states of Paul Williams' parser, as far as they differ in what is printed afterwards.
enum class State : std::uint8_t {
  ground,
  escape,
  escape_intermediate,
  csi_entry,
  csi_param,
  csi_intermediate,
  csi_ignore,
  dcs_entry,
  dcs_param,
  dcs_intermediate,
  dcs_ignore,
  dcs_passthrough,
  osc_string,
  other_string,
};

bool within(unsigned char byte, unsigned char first, unsigned char last) {
  return first <= byte && byte <= last;
}

bool is_control(unsigned char byte) {
  return byte < 0x20 && byte != k_cancel && byte != k_substitute && byte != k_escape;
}

// What follows the first byte of a UTF-8 sequence: its whole size, and bounds of the second byte.
struct Lead {
  std::size_t size;  // 0 for a byte that starts no longer sequence
  unsigned char low;
  unsigned char high;
};

Lead lead_of(unsigned char byte) {
  if (within(byte, 0xC2, 0xDF)) {
    return {2, 0x80, 0xBF};
  }
  if (within(byte, 0xE0, 0xEF)) {
    return {3, static_cast<unsigned char>(byte == 0xE0 ? 0xA0 : 0x80),
            static_cast<unsigned char>(byte == 0xED ? 0x9F : 0xBF)};
  }
  if (within(byte, 0xF0, 0xF4)) {
    return {4, static_cast<unsigned char>(byte == 0xF0 ? 0x90 : 0x80),
            static_cast<unsigned char>(byte == 0xF4 ? 0x8F : 0xBF)};
  }
  return {0, 0, 0};
}

class Stripper final {
public:
  explicit Stripper(std::span<char> out) : out_(out) {}

  std::size_t run(std::string_view text) {
    while (!text.empty()) {
      if (state_ == State::ground) {
        text.remove_prefix(ground(text));
      } else {
        step(static_cast<unsigned char>(text.front()));
        text.remove_prefix(1);
      }
    }
    return size_;
  }

private:
  void put(std::string_view bytes) {
    const std::size_t count = std::min(bytes.size(), out_.size() - size_);
    std::copy_n(bytes.begin(), count, out_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += count;
  }
  void control(unsigned char byte) {
    if (byte == '\n') {
      put("\n");
    }
  }

  // Consumes one character, or the escape that ends this state.
  std::size_t ground(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first == k_escape) {
      state_ = State::escape;
    } else if (const Lead lead = lead_of(first); lead.size != 0) {
      return sequence(text, lead);
    } else if (within(first, 0x20, k_delete)) {
      put({text.data(), 1});
    } else {
      control(first);
    }
    return 1;
  }

  // The byte that breaks a sequence is lost with it, even an escape; a sequence that the end cuts off is not
  // shown.
  std::size_t sequence(std::string_view text, const Lead& lead) {
    for (std::size_t index = 1; index < lead.size; ++index) {
      if (index == text.size()) {
        return index;
      }
      const auto byte = static_cast<unsigned char>(text[index]);
      const bool good = index == 1 ? within(byte, lead.low, lead.high) : within(byte, 0x80, 0xBF);
      if (!good) {
        put(k_replacement);
        return index + 1;
      }
    }
    put({text.data(), lead.size});
    return lead.size;
  }

  void step(unsigned char byte) {
    if (byte == k_cancel || byte == k_substitute) {
      state_ = State::ground;
    } else if (byte == k_escape) {
      state_ = State::escape;
    } else {
      inside(byte);
    }
  }

  void inside(unsigned char byte) {
    switch (state_) {
      case State::escape:
      case State::escape_intermediate:
        in_escape(byte);
        return;
      case State::csi_entry:
      case State::csi_param:
      case State::csi_intermediate:
      case State::csi_ignore:
        in_csi(byte);
        return;
      case State::dcs_entry:
      case State::dcs_param:
      case State::dcs_intermediate:
        in_dcs(byte);
        return;
      case State::dcs_passthrough:
      case State::dcs_ignore:
      case State::other_string:
        state_ = byte == k_string_end ? State::ground : state_;
        return;
      case State::osc_string:
        state_ = byte == k_bell ? State::ground : state_;
        return;
      case State::ground:
        return;
    }
  }

  void in_escape(unsigned char byte) {
    if (is_control(byte)) {
      control(byte);
    } else if (within(byte, 0x20, 0x2F)) {
      state_ = State::escape_intermediate;
    } else if (within(byte, 0x30, 0x7E)) {
      state_ = state_ == State::escape ? after_escape(byte) : State::ground;
    }
  }

  static State after_escape(unsigned char byte) {
    switch (byte) {
      case 'P':
        return State::dcs_entry;
      case '[':
        return State::csi_entry;
      case ']':
        return State::osc_string;
      case 'X':
      case '^':
      case '_':
        return State::other_string;
      default:
        return State::ground;
    }
  }

  void in_csi(unsigned char byte) {
    if (is_control(byte)) {
      control(byte);
    } else if (within(byte, 0x40, 0x7E)) {
      state_ = State::ground;
    } else if (byte < k_delete && state_ != State::csi_ignore) {
      state_ = next_state(byte, State::csi_entry);
    }
  }

  void in_dcs(unsigned char byte) {
    if (within(byte, 0x40, 0x7E)) {
      state_ = State::dcs_passthrough;
    } else if (within(byte, 0x20, 0x3F)) {
      state_ = next_state(byte, State::dcs_entry);
    }
  }

  // Parameters and intermediates of CSI and DCS follow one pattern; `entry` is the first state of the family.
  State next_state(unsigned char byte, State entry) const {
    const auto member = [entry](int offset) { return static_cast<State>(static_cast<int>(entry) + offset); };
    const State param = member(1);
    const State intermediate = member(2);
    const State ignore = member(3);
    if (byte <= 0x2F) {
      return intermediate;
    }
    if (state_ == intermediate || (state_ == param && byte >= 0x3C)) {
      return ignore;
    }
    return param;
  }

  std::span<char> out_;
  std::size_t size_ = 0;
  State state_ = State::ground;
};

}  // namespace

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char byte) { return byte == '\n' || (byte >= 0x20 && byte <= 0x7E); });
}

std::size_t strip_escapes(std::string_view text, std::span<char> out) {
  return Stripper(out).run(text);
}

}  // namespace agent::launcher
