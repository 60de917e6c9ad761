# One compiler, one dialect, one set of warnings for every target.
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "Clang" OR CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Wye is built with clang 19 or newer (found ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}): "
                      "g++ 12 miscompiles temporaries inside co_await expressions. Run `make setup`, then use a preset.")
endif()

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
add_compile_options(-fPIE)  # one flag for libraries and programs: they share a precompiled header
add_link_options(-pie)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# ccache counts paths relative to the tree, so that another clone hits what this one compiled. The sloppiness is what its
# manual asks for with precompiled headers; file times say nothing in a fresh clone.
find_program(CCACHE ccache)
if(CCACHE)
  set(launcher env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 CCACHE_PCH_EXTSUM=1
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${launcher})
endif()
add_compile_options(-ffile-prefix-map=${CMAKE_SOURCE_DIR}=.)  # no path of this machine in a binary

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Werror
                    -Wno-gnu-statement-expression-from-macro-expansion -Wno-gnu-statement-expression
                    -fno-omit-frame-pointer -Xclang -fno-pch-timestamp)
# x86-64-v3 + pclmul: without them simdjson silently takes its scalar kernel.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  add_compile_options(-march=x86-64-v3 -mpclmul)
endif()
add_link_options(-fuse-ld=mold)

set(WYE_SANITIZE "" CACHE STRING "address, thread, fuzz or empty")
if(WYE_SANITIZE STREQUAL "address")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
elseif(WYE_SANITIZE STREQUAL "thread")
  add_compile_options(-fsanitize=thread)
  add_link_options(-fsanitize=thread)
elseif(WYE_SANITIZE STREQUAL "fuzz")
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
  add_link_options(-fsanitize=address,undefined)
endif()

set(WYE_HARDENED OFF CACHE BOOL "hardening of the shipped binaries")
if(WYE_HARDENED)
  add_compile_options(-fstack-protector-strong -fcf-protection=full -fstack-clash-protection
                      -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -D_GLIBCXX_ASSERTIONS)
  add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
endif()
