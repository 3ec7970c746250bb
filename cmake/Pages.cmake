# The pages for people: agent/pages/<name>.html, with the style sheets and scripts it names put into it, becomes
# the text k_<name>_html of agent/pages/documents.hpp.
file(GLOB page_parts CONFIGURE_DEPENDS
     ${CMAKE_SOURCE_DIR}/agent/pages/*.html ${CMAKE_SOURCE_DIR}/agent/pages/*.css ${CMAKE_SOURCE_DIR}/agent/pages/*.js)
foreach(html IN LISTS page_parts)
  if(NOT html MATCHES "\\.html$")
    continue()
  endif()
  get_filename_component(page ${html} NAME_WE)
  set(made ${CMAKE_BINARY_DIR}/pages/${page}.cpp)
  add_custom_command(
    OUTPUT ${made}
    COMMAND ${CMAKE_COMMAND} -D FOLDER=${CMAKE_SOURCE_DIR}/agent/pages -D PAGE=${page} -D OUTPUT=${made}
            -P ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    DEPENDS ${page_parts} ${CMAKE_SOURCE_DIR}/cmake/embed_page.cmake
    VERBATIM)
  target_sources(agent_pages PRIVATE ${made})
endforeach()
