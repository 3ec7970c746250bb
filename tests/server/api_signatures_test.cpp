// What the server signs, and what clients that were told its key make of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/backends/boringcache_signature.hpp"
#include "tests/server/api_fixture.hpp"

namespace agent::server::tests {
namespace {

using agent::tests::FailsSaying;
using agent::tests::Succeeds;

class Signatures : public Api {
protected:
  std::string key() {
    return server_.call("GET", "/signing-key").body.text("workspace_signing_key_fingerprint");
  }

  std::unique_ptr<backends::ObjectStorage> client(const std::string& trusted) {
    auto opened = backends::open_storage(
        "boringcache://" + server_.base().substr(std::string_view("http://").size()) + "/acme/ci",
        {.clock = clock_, .registry = registry_, .variables = [trusted](const char* name) {
           const std::string_view asked(name);
           return asked == "BORINGCACHE_ADMIN_TOKEN"                         ? std::string(k_root)
                  : asked == "BORINGCACHE_TRUSTED_WORKSPACE_KEY_FINGERPRINT" ? trusted
                                                                             : std::string();
         }});
    EXPECT_THAT(opened, Succeeds());
    return *std::move(opened);
  }

  SystemClock clock_;
  metrics::Registry registry_;
  const std::string foreign_ = backends::key_fingerprint("somebody else's");
};

TEST_F(Signatures, AreUnderWhatIsRestored) {
  const auto entry = server_.entry("rust", "one");
  ASSERT_EQ(server_.publish("rust", entry, {.if_match = "0"}).status, 200);

  const auto reply = server_.call("GET", "/caches?entries=rust&require_signed=1");

  const auto& hit = reply.body.array()->front();
  EXPECT_EQ(hit.text("signature_tag"), "rust");
  EXPECT_EQ(hit.text("workspace_signing_key_fingerprint"), key());
  EXPECT_EQ(hit.text("server_signing_key_id"), key());
  EXPECT_EQ(hit["server_signature_version"].count(), 1U);
  EXPECT_THAT(backends::verify_entry(backends::signature_in(hit),
                                     {.workspace = "acme/ci",
                                      .entry = entry,
                                      .tag = "rust",
                                      .root_digest = digest_of("one"),
                                      .storage_mode = "cas"},
                                     {key()}),
              Succeeds());
}

TEST_F(Signatures, AreInPointersWhoseReaderAsksForThem) {
  const auto entry = server_.entry("rust", "one");
  ASSERT_EQ(server_.publish("rust", entry, {.if_match = "0"}).status, 200);

  const auto asked = server_.call("GET", "/caches/tags/rust/pointer?require_signed=1").body;

  EXPECT_THAT(
      backends::verify_entry(backends::signature_in(asked),
                             {.entry = entry, .tag = "rust", .root_digest = digest_of("one")}, {key()}),
      Succeeds());
  EXPECT_TRUE(server_.call("GET", "/caches/tags/rust/pointer").body["server_signature"].is_null());
}

TEST_F(Signatures, AreOfAKeyOfTheWorkspace) {
  const auto other = server_.call("GET", "/v2/workspaces/acme/other/signing-key").body;

  EXPECT_TRUE(backends::is_key_fingerprint(key()));
  EXPECT_NE(other.text("workspace_signing_key_fingerprint"), key());
  EXPECT_EQ(server_.call("GET", "/signing-key").body.text("workspace_signing_key_fingerprint"), key());
}

TEST_F(Signatures, AreMadeWithTheSecretThatTheServerWasGiven) {
  ServiceOptions options;
  options.signing_secret = Secret("a secret that does not lie in the storage");
  RunningServer one(options);
  RunningServer two(options);

  const auto text = one.call("GET", "/signing-key").text;

  EXPECT_EQ(two.call("GET", "/signing-key").text, text);
  EXPECT_NE(server_.call("GET", "/signing-key").text, text);
  EXPECT_FALSE(std::filesystem::exists(one.folder() / "tags/_keys/signatures"));
}

TEST_F(Signatures, LetAClientThatKnowsTheKeyReadEverything) {
  const auto storage = client(foreign_ + ", " + key());
  const std::string pack(100'000, 'p');

  ASSERT_THAT(storage->put_if_absent("packs/1", std::string_view(pack)), Succeeds());
  ASSERT_THAT(storage->compare_and_swap("tags/a/b/c", std::nullopt, "pointer"), Succeeds());

  EXPECT_EQ(storage->get("packs/1", {.offset = 5, .size = 10}).value(), std::string(10, 'p'));
  EXPECT_EQ(storage->read("tags/a/b/c").value()->content, "pointer");
  EXPECT_EQ(storage->read("tags/a/b/c").value()->content, "pointer") << "that it has not changed is believed";
}

TEST_F(Signatures, OfAnotherKeyGiveAClientNothingAndSayWhy) {
  const auto writer = client({});
  ASSERT_THAT(writer->put_if_absent("manifests/1", std::string_view("manifest")), Succeeds());
  ASSERT_THAT(writer->compare_and_swap("tags/a/b/c", std::nullopt, "pointer"), Succeeds());

  const auto reader = client(foreign_);

  const auto message = key() + ", and only " + foreign_ + " is trusted";
  EXPECT_THAT(reader->read("tags/a/b/c"), FailsSaying(message));
  EXPECT_THAT(reader->get("manifests/1", {.offset = 0, .size = 8}), FailsSaying(message));
}

// A storage that somebody wrote to behind the server's back.
TEST_F(Signatures, ThatAreMissingGiveAClientNothingAndSayWhy) {
  const auto writer = client({});
  ASSERT_THAT(writer->compare_and_swap("tags/a/b/c", std::nullopt, "pointer"), Succeeds());
  const auto path = server_.folder() / "tags/acme/ci/t/hearth_tags_sa_sb_sc";
  const auto text = io::read_file(path, 1U << 16U);
  ASSERT_THAT(text, Succeeds());
  auto record = *io::parse_json(*text, "record")->object();
  record.erase("signature");
  ASSERT_THAT(io::write_file(path, io::Json(record).dump() + "\n"), Succeeds());

  EXPECT_THAT(client(key())->read("tags/a/b/c"), FailsSaying("it is not signed"));
  EXPECT_EQ(client({})->read("tags/a/b/c").value()->content, "pointer");
}

}  // namespace
}  // namespace agent::server::tests
