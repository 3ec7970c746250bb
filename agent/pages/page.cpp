#include "agent/pages/page.hpp"

#include <fmt/format.h>

#include <cstddef>
#include <span>

#include "agent/io/base64.hpp"
#include "agent/io/checksum.hpp"
#include "agent/io/fd.hpp"
#include "agent/pages/documents.hpp"

namespace agent::pages {

namespace {

constexpr std::string_view k_no_record = "<script type=\"application/json\" id=\"record\">null</script>";

std::string_view between(std::string_view text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin) + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

std::string digest_of(std::string_view text) {
  const auto digest = io::sha256(io::bytes_of(text));
  return fmt::format("'sha256-{}'", io::to_base64(std::as_bytes(std::span(digest.bytes))));
}

std::string policy_of(std::string_view html, std::string_view connect) {
  return fmt::format(
      "default-src 'none'; style-src {}; script-src {}; img-src data:; connect-src {}; base-uri 'none'; "
      "form-action 'none'",
      digest_of(between(html, "<style>", "</style>")),
      digest_of(between(html, "<script type=\"module\">", "</script>")), connect);
}

Page page_of(std::string_view html) {
  // A page that is framed could be clicked through; a meta element cannot say this.
  return {.html = std::string(html), .policy = policy_of(html, "'self'") + "; frame-ancestors 'none'"};
}

// JSON as a data block: "</script>" in a text must not end it.
std::string as_data(const io::Json& json) {
  std::string text;
  for (const char c : json.dump()) {
    if (c == '<') {
      text += "\\u003c";
    } else {
      text += c;
    }
  }
  return text;
}

void replace_first(std::string& text, std::string_view what, std::string_view by) {
  if (const auto at = text.find(what); at != std::string::npos) {
    text.replace(at, what.size(), by);
  }
}

}  // namespace

Page live_page() {
  return page_of(k_live_html);
}

Page server_page() {
  return page_of(k_server_html);
}

net::Response response_of(const Page& page) {
  auto answer = net::text_response(200, page.html, "text/html; charset=utf-8");
  answer.headers.set("Content-Security-Policy", page.policy);
  answer.headers.set("Cache-Control", "no-cache");
  answer.headers.set("Referrer-Policy", "no-referrer");
  answer.headers.set("X-Content-Type-Options", "nosniff");
  return answer;
}

std::string recorded_page(const io::Json& record) {
  std::string html(k_live_html);
  const auto policy = policy_of(html, "'none'");
  replace_first(html, k_no_record,
                fmt::format("<script type=\"application/json\" id=\"record\">{}</script>", as_data(record)));
  replace_first(
      html, "<meta charset=\"utf-8\">",
      fmt::format("<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{}\">",
                  policy));
  return html;
}

}  // namespace agent::pages
