// The pages for people, each one HTML document that fetches nothing: style and scripts are in it, put there
// when Hearth is built (cmake/Pages.cmake). A page holds no data; it asks for them with the reader's token,
// or is written to a file together with them. Values; safe from any thread.
#pragma once

#include <string>
#include <string_view>

#include "agent/io/json.hpp"
#include "agent/net/http.hpp"

namespace agent::pages {

struct Page {
  std::string html;

  // For the header Content-Security-Policy: only the page's own style and script, by their digests (CSP
  // level 3, section 8.4), and requests to where it came from. W3C CSP 3, read 2026-11.
  std::string policy;
};

Page live_page();    // of an agent, over its /events
Page server_page();  // of a cache server, over its API

// The page as an answer, with the headers that guard it.
net::Response response_of(const Page& page);

// The live page as a file by itself, with what it is to show. It makes no request at all.
std::string recorded_page(const io::Json& record);

}  // namespace agent::pages
