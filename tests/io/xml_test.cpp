#include "agent/io/xml.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/result_matchers.hpp"

namespace agent::io {
namespace {

using namespace std::string_literals;
using tests::FailsSaying;
using tests::FailsWith;
using tests::Succeeds;

TEST(Xml, ReadsWhatServicesAnswer) {
  const auto root = parse_xml(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- x -->\n"
      "<s:List xmlns:s='http://x' flag = \"a>b\"><Item><Key>a&amp;b&lt;&#65;&#x20AC;</Key><Empty/></Item>\n"
      "<Item><Key><![CDATA[<c>]]></Key></Item></s:List >\n",
      "listing");

  ASSERT_THAT(root, Succeeds());
  EXPECT_EQ(root->name, "List");
  ASSERT_EQ(root->children.size(), 2);
  EXPECT_EQ(root->text_at("Item/Key"), "a&b<A\u20ac");
  EXPECT_EQ(root->children[1].text_at("Key"), "<c>");
  EXPECT_EQ(root->text_at("Item/Nothing"), "");
  EXPECT_NE(root->children[0].child("Empty"), nullptr);
}

TEST(Xml, RefusesWhatIsNone) {
  for (const auto& text : {""s,
                           "text"s,
                           "<"s,
                           "<a"s,
                           "<a>"s,
                           "<a></b>"s,
                           "<a><b></a></b>"s,
                           "<a></a><b/>"s,
                           "<a>&bogus;</a>"s,
                           "<a>&#xD800;</a>"s,
                           "<a>&#99999999;</a>"s,
                           "<a>&#0;</a>"s,
                           "<a b></a>"s,
                           "<a b=c></a>"s,
                           "<a b='></a>"s,
                           "<a><!-- </a>"s,
                           "<a><![CDATA[</a>"s,
                           "<a>&amp</a>"s,
                           "</a>"s,
                           "<a/>x"s,
                           "<a:/>"s,
                           "<\0/>"s}) {
    EXPECT_THAT(parse_xml(text, "answer"), FailsWith(Errc::invalid)) << text;
  }
  EXPECT_THAT(parse_xml("<a>", "answer of STS"), FailsSaying("answer of STS"));
}

TEST(Xml, ExpandsNothing) {
  EXPECT_THAT(parse_xml("<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", "answer"), FailsWith(Errc::invalid));
}

TEST(Xml, IsBounded) {
  const auto repeated = [](std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) {
      text += part;
    }
    return text;
  };

  EXPECT_THAT(parse_xml(repeated("<a>", 16) + repeated("</a>", 16), "answer"), Succeeds());
  EXPECT_THAT(parse_xml(repeated("<a>", 17) + repeated("</a>", 17), "answer"), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_xml(repeated("<a>", 1'000'000), "answer"), FailsWith(Errc::invalid));
  EXPECT_THAT(parse_xml("<r>" + repeated("<a/>", 10) + "</r>", "answer", {.elements = 11}), Succeeds());
  EXPECT_THAT(parse_xml("<r>" + repeated("<a/>", 10) + "</r>", "answer", {.elements = 10}),
              FailsWith(Errc::invalid));
  EXPECT_THAT(parse_xml("<r/>", "answer", {.bytes = 3}), FailsWith(Errc::invalid));
}

}  // namespace
}  // namespace agent::io
