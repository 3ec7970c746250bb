# cmake -D FOLDER=… -D PAGE=name -D OUTPUT=name.cpp -P embed_page.cmake
# In a page, `<link rel="stylesheet" href="x.css">` becomes the sheet itself and `<script type="module" src="x.js">`
# the script with the modules it imports before it, each once. So modules share one scope in what is built: import
# by name, from "./x.js", and give no two things of different modules one name.
cmake_minimum_required(VERSION 3.25)

file(READ ${FOLDER}/${PAGE}.html html)

string(REGEX MATCHALL "<link rel=\"stylesheet\" href=\"[a-z_]+\\.css\">" links "${html}")
set(sheets "")
foreach(link IN LISTS links)
  string(REGEX REPLACE ".*href=\"([^\"]*)\".*" "\\1" name "${link}")
  file(READ ${FOLDER}/${name} sheet)
  string(APPEND sheets "${sheet}")
  string(REPLACE "${link}\n" "" html "${html}")
endforeach()
string(REPLACE "</head>" "<style>\n${sheets}</style>\n</head>" html "${html}")

set(scripts "")
set(taken "")
set(import_pattern "import {[^}]*} from \"\\./([a-z_]+\\.js)\"")
macro(take_module name)  # a macro: it adds to the variables above
  if(NOT "${name}" IN_LIST taken)
    list(APPEND taken "${name}")
    file(READ ${FOLDER}/${name} text_of_${name})
    string(REGEX MATCHALL "${import_pattern}" imports_of_${name} "${text_of_${name}}")
    foreach(import IN LISTS imports_of_${name})
      string(REGEX REPLACE "${import_pattern}" "\\1" imported "${import}")
      take_module(${imported})
    endforeach()
    string(REGEX REPLACE "${import_pattern};\n" "" text_of_${name} "${text_of_${name}}")
    string(REGEX REPLACE "\nexport " "\n" text_of_${name} "${text_of_${name}}")
    string(APPEND scripts "${text_of_${name}}")
  endif()
endmacro()
string(REGEX MATCH "<script type=\"module\" src=\"[a-z_]+\\.js\"></script>" script "${html}")
string(REGEX REPLACE ".*src=\"([^\"]*)\".*" "\\1" name "${script}")
take_module(${name})
if("${html}${scripts}" MATCHES "\\)page\"" OR "${sheets}${scripts}" MATCHES "</(script|style)")
  message(FATAL_ERROR "${PAGE}.html: a part of it would end what it is put into")
endif()
string(REPLACE "${script}" "<script type=\"module\">\n${scripts}</script>" html "${html}")

file(WRITE ${OUTPUT} "// Made from agent/pages/${PAGE}.html by cmake/embed_page.cmake.
#include \"agent/pages/documents.hpp\"

namespace agent::pages {

const std::string_view k_${PAGE}_html = R\"page(${html})page\";

}  // namespace agent::pages
")
