#include "agent/action/docker_types.hpp"

#include <algorithm>
#include <cstdint>

#include "agent/core/text.hpp"

namespace agent::action {

namespace {

constexpr std::uint64_t k_newest_minor = 47;
constexpr std::uint64_t k_oldest_minor = 24;  // the oldest that daemons of this decade speak

std::map<std::string, std::string> texts_of(const io::Json& json) {
  std::map<std::string, std::string> texts;
  if (const auto* object = json.object()) {
    for (const auto& [name, value] : *object) {
      if (const auto* text = value.string()) {
        texts.emplace(name, *text);
      }
    }
  }
  return texts;
}

io::JsonArray array_of(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

io::JsonObject object_of(const std::map<std::string, std::string>& texts) {
  return {texts.begin(), texts.end()};
}

io::Json host_config(const ContainerSpec& spec) {
  io::JsonArray mounts;
  io::JsonArray binds;
  for (const auto& bind : spec.binds) {
    if (bind.create) {
      binds.emplace_back(fmt::format("{}:{}", bind.source, bind.destination));
    } else {
      mounts.emplace_back(
          io::JsonObject{{"Type", "bind"}, {"Source", bind.source}, {"Target", bind.destination}});
    }
  }
  for (const auto& target : spec.volumes) {
    mounts.emplace_back(io::JsonObject{{"Type", "volume"}, {"Target", target}});
  }
  return io::JsonObject{{"AutoRemove", true},
                        {"NetworkMode", spec.network},
                        {"PidMode", spec.sees_host_processes ? "host" : ""},
                        {"Mounts", std::move(mounts)},
                        {"Binds", std::move(binds)},
                        {"CapDrop", io::JsonArray{"ALL"}},
                        {"CapAdd", array_of(spec.capabilities)},
                        {"SecurityOpt", io::JsonArray{"no-new-privileges"}}};
}

}  // namespace

std::string ContainerFacts::source_of(std::string_view destination) const {
  const auto found =
      std::ranges::find_if(mounts, [&](const Mount& mount) { return mount.destination == destination; });
  return found != mounts.end() ? found->source : std::string{};
}

Result<ContainerFacts> parse_container(std::string_view text) {
  auto json = io::parse_json(text, "Docker's description of a container", {.bytes = k_max_docker_answer});
  if (!json) {
    return fail(Errc::corrupt, "{}", json.error().message);
  }
  ContainerFacts facts{.id = json->text("Id"), .image = json->text("Image")};
  if (facts.id.empty() || facts.image.empty()) {
    return fail(Errc::corrupt, "Docker's description of a container lacks its id or image");
  }
  const auto& config = (*json)["Config"];
  facts.labels = texts_of(config["Labels"]);
  facts.user = config.text("User");
  if (const auto* mounts = (*json)["Mounts"].array()) {
    for (const auto& mount : *mounts) {
      facts.mounts.push_back({.type = mount.text("Type"),
                              .source = mount.text("Source"),
                              .destination = mount.text("Destination")});
    }
  }
  if (const auto* networks = (*json)["NetworkSettings"]["Networks"].object()) {
    for (const auto& [name, network] : *networks) {
      facts.addresses.emplace(name, network.text("IPAddress"));
    }
  }
  const auto& state = (*json)["State"];
  facts.running = state["Running"].boolean().value_or(false);
  facts.exit_code =
      static_cast<int>(std::clamp<std::int64_t>(state["ExitCode"].integer().value_or(0), -1, 255));
  facts.failure = state.text("Error");
  return facts;
}

io::Json to_json(const ContainerSpec& spec) {
  io::JsonObject networking;
  if (!spec.aliases.empty()) {
    networking["EndpointsConfig"] =
        io::JsonObject{{spec.network, io::JsonObject{{"Aliases", array_of(spec.aliases)}}}};
  }
  return io::JsonObject{{"Image", spec.image},
                        {"Entrypoint", array_of(spec.entrypoint)},
                        {"Cmd", array_of(spec.command)},
                        {"Labels", object_of(spec.labels)},
                        {"StopTimeout", static_cast<std::int64_t>(spec.stop_timeout.count())},
                        {"HostConfig", host_config(spec)},
                        {"NetworkingConfig", std::move(networking)}};
}

Result<std::string> agreed_version(std::string_view offered) {
  const auto dot = offered.find('.');
  const auto minor = dot == std::string_view::npos || offered.substr(0, dot) != "1"
                         ? fail(Errc::corrupt, "no version")
                         : parse_number(offered.substr(dot + 1), "version");
  if (!minor || *minor < k_oldest_minor) {
    return fail(Errc::corrupt, "Docker speaks version '{}' of its API, which this program does not know",
                offered);
  }
  return fmt::format("1.{}", std::min(*minor, k_newest_minor));
}

}  // namespace agent::action
