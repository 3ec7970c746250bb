#include "agent/metrics/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <variant>

namespace agent::metrics {

namespace {

constexpr double k_steps_per_doubling = 4;
constexpr double k_first_seconds = 1e-6;

double upper_bound(std::size_t bucket) {
  return k_first_seconds * std::exp2(static_cast<double>(bucket) / k_steps_per_doubling);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

std::string label_text(const Labels& labels, std::string_view extra = {}) {
  std::string text;
  for (const auto& [name, value] : labels) {
    text += fmt::format("{}{}=\"{}\"", text.empty() ? "" : ",", name, escaped(value));
  }
  if (!extra.empty()) {
    text += text.empty() ? "" : ",";
    text += extra;
  }
  return text.empty() ? "" : "{" + text + "}";
}

}  // namespace

void Histogram::observe(std::chrono::nanoseconds duration) {
  const double seconds = std::max(std::chrono::duration<double>(duration).count(), 0.0);
  const double position =
      seconds <= k_first_seconds ? 0 : std::log2(seconds / k_first_seconds) * k_steps_per_doubling;
  const auto bucket = std::min(static_cast<std::size_t>(std::ceil(position)), k_buckets - 1);
  buckets_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_ns_.fetch_add(static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0)),
                    std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
}

double Histogram::sum() const {
  return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9;
}

std::optional<double> Histogram::mean() const {
  const auto observed = count();
  return observed == 0 ? std::nullopt : std::optional(sum() / static_cast<double>(observed));
}

std::optional<double> Histogram::quantile(double q) const {
  const auto observed = count();
  if (observed == 0) {
    return std::nullopt;
  }
  const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(observed)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < k_buckets; ++i) {
    seen += buckets_[i].load(std::memory_order_relaxed);
    if (seen >= std::max<std::uint64_t>(rank, 1)) {
      return upper_bound(i);
    }
  }
  return upper_bound(k_buckets - 1);
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> filled;
  for (std::size_t i = 0; i < k_buckets; ++i) {
    if (const auto count = buckets_[i].load(std::memory_order_relaxed); count > 0) {
      filled.push_back({.up_to_seconds = upper_bound(i), .count = count});
    }
  }
  return filled;
}

struct Registry::Entry {
  std::string name;
  std::string help;
  Labels labels;
  std::variant<Counter, Gauge, Histogram> figure;
};

Registry::Registry() = default;
Registry::~Registry() = default;

template <typename Figure>
Figure& Registry::declare(std::string_view name, std::string_view help, Labels labels) {
  return entries_.with([&](auto& entries) -> Figure& {
    for (const auto& known : entries) {
      if (known->name == name && known->labels == labels) {
        return std::get<Figure>(known->figure);  // a name declared with two types is our own bug
      }
    }
    auto made = std::make_unique<Entry>();
    made->name = name;
    made->help = help;
    made->labels = std::move(labels);
    auto& figure = made->figure.template emplace<Figure>();
    entries.push_back(std::move(made));
    return figure;
  });
}

Counter& Registry::counter(std::string_view name, std::string_view help, Labels labels) {
  return declare<Counter>(name, help, std::move(labels));
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, Labels labels) {
  return declare<Gauge>(name, help, std::move(labels));
}

Histogram& Registry::histogram(std::string_view name, std::string_view help, Labels labels) {
  return declare<Histogram>(name, help, std::move(labels));
}

std::uint64_t Registry::total(std::string_view name) const {
  return entries_.with([&](const auto& entries) {
    std::uint64_t sum = 0;
    for (const auto& known : entries) {
      if (known->name != name) {
        continue;
      }
      if (const auto* counter = std::get_if<Counter>(&known->figure)) {
        sum += counter->value();
      } else if (const auto* gauge = std::get_if<Gauge>(&known->figure)) {
        sum += static_cast<std::uint64_t>(std::max<std::int64_t>(gauge->value(), 0));
      }
    }
    return sum;
  });
}

std::vector<std::pair<std::string, std::uint64_t>> Registry::by_label(std::string_view name,
                                                                      std::string_view label) const {
  std::map<std::string, std::uint64_t> counts;
  entries_.with([&](const auto& entries) {
    for (const auto& known : entries) {
      const auto* counter = std::get_if<Counter>(&known->figure);
      const auto found =
          std::ranges::find_if(known->labels, [&](const auto& pair) { return pair.first == label; });
      if (known->name == name && counter != nullptr && found != known->labels.end()) {
        counts[found->second] += counter->value();
      }
    }
  });
  return {counts.begin(), counts.end()};
}

const Histogram* Registry::find_histogram(std::string_view name) const {
  return entries_.with([&](const auto& entries) -> const Histogram* {
    for (const auto& known : entries) {
      if (known->name == name) {
        return std::get_if<Histogram>(&known->figure);
      }
    }
    return nullptr;
  });
}

std::string Registry::prometheus() const {
  return entries_.with([&](const auto& entries) {
    // One name's samples must stand together; names appear in the order of their first declaration.
    std::vector<std::string> names;
    std::map<std::string, std::string> blocks;
    for (const auto& known : entries) {
      auto& block = blocks[known->name];
      const bool first = block.empty();
      if (first) {
        names.push_back(known->name);
        const auto* type = std::holds_alternative<Counter>(known->figure) ? "counter"
                           : std::holds_alternative<Gauge>(known->figure) ? "gauge"
                                                                          : "summary";
        block = fmt::format("# HELP {} {}\n# TYPE {} {}\n", known->name, known->help, known->name, type);
      }
      if (const auto* counter = std::get_if<Counter>(&known->figure)) {
        block += fmt::format("{}{} {}\n", known->name, label_text(known->labels), counter->value());
      } else if (const auto* gauge = std::get_if<Gauge>(&known->figure)) {
        block += fmt::format("{}{} {}\n", known->name, label_text(known->labels), gauge->value());
      } else if (const auto* histogram = std::get_if<Histogram>(&known->figure)) {
        for (const double q : {0.5, 0.95, 0.99}) {
          if (const auto value = histogram->quantile(q)) {
            block += fmt::format("{}{} {}\n", known->name,
                                 label_text(known->labels, fmt::format("quantile=\"{}\"", q)), *value);
          }
        }
        block += fmt::format("{0}_sum{1} {2}\n{0}_count{1} {3}\n", known->name, label_text(known->labels),
                             histogram->sum(), histogram->count());
      }
    }
    std::string text;
    for (const auto& name : names) {
      text += blocks[name];
    }
    return text;
  });
}

}  // namespace agent::metrics
