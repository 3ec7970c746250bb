#include "agent/launcher/ansi.hpp"

#include <algorithm>
#include <cstdint>

namespace agent::launcher {
namespace {

constexpr unsigned char k_cancel = 0x18;
constexpr unsigned char k_substitute = 0x1A;
constexpr unsigned char k_escape = 0x1B;
constexpr unsigned char k_delete = 0x7F;
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

// A UTF-8 sequence at the start of `text`: its size if valid, else how many bytes to skip as Rust's
// std::str::Utf8Error::error_len has it; 0 if the text ends within the sequence.
struct Sequence {
  std::size_t size = 0;
  bool valid = false;
};

struct Lead {
  std::size_t size;
  unsigned char low;  // bounds of the second byte
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
  return {byte < 0x80 ? std::size_t{1} : std::size_t{0}, 0, 0};
}

Sequence sequence_at(std::string_view text) {
  const Lead lead = lead_of(static_cast<unsigned char>(text.front()));
  if (lead.size == 0) {
    return {1, false};
  }
  for (std::size_t index = 1; index < lead.size; ++index) {
    if (index == text.size()) {
      return {0, false};
    }
    const auto byte = static_cast<unsigned char>(text[index]);
    const bool good = index == 1 ? within(byte, lead.low, lead.high) : within(byte, 0x80, 0xBF);
    if (!good) {
      return {index, false};
    }
  }
  return {lead.size, true};
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

  // Consumes one character, or an escape; never nothing.
  std::size_t ground(std::string_view text) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first == k_escape) {
      state_ = State::escape;
      return 1;
    }
    const Sequence sequence = sequence_at(text);
    if (sequence.size == 0) {
      return text.size();  // cut off by the end: the parser waits for more and never prints it
    }
    if (!sequence.valid) {
      if (sequence.size > 1 || first > 0x9F) {
        put(k_replacement);
      }
      return sequence.size;
    }
    const bool c1 = first == 0xC2 && static_cast<unsigned char>(text[1]) <= 0x9F;
    if (first < 0x20) {
      control(first);
    } else if (!c1) {
      put({text.data(), sequence.size});
    }
    return sequence.size;
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
        return in_escape(byte);
      case State::csi_entry:
      case State::csi_param:
      case State::csi_intermediate:
      case State::csi_ignore:
        return in_csi(byte);
      case State::dcs_entry:
      case State::dcs_param:
      case State::dcs_intermediate:
        return in_dcs(byte);
      case State::dcs_passthrough:
        state_ = byte == 0x9C ? State::ground : state_;
        return;
      case State::osc_string:
        state_ = byte == 0x07 ? State::ground : state_;
        return;
      case State::ground:
      case State::dcs_ignore:
      case State::other_string:
        return;  // up to the next escape, cancel or substitute
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
  return std::all_of(text.begin(), text.end(),
                     [](char byte) { return byte == '\n' || (byte >= 0x20 && byte <= 0x7E); });
}

std::size_t strip_escapes(std::string_view text, std::span<char> out) {
  return Stripper(out).run(text);
}

}  // namespace agent::launcher
