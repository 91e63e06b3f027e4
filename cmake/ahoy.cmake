# Warnings, sanitizers, ccache and the one way in which a folder becomes a library.

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wconversion -Wno-missing-field-initializers -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # Needed for precompiled headers to be cached.
    add_compile_options(-Xclang -fno-pch-timestamp)
else()
    add_compile_options(-fpch-preprocess)
    # False positives of g++ 12: inside Asio's coroutines with sanitizers, and of std::string and
    # std::vector in tests.
    add_compile_options(-Wno-maybe-uninitialized -Wno-array-bounds
                        -Wno-stringop-overflow -Wno-free-nonheap-object)
endif()

if(AHOY_SANITIZE)
    add_compile_options(-fsanitize=${AHOY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
        # Clang 14 cannot emit this check's data for coroutines.
        add_compile_options(-fno-sanitize=function)
    endif()
    add_link_options(-fsanitize=${AHOY_SANITIZE})
elseif(CMAKE_BUILD_TYPE STREQUAL "Release")
    add_compile_options(-D_FORTIFY_SOURCE=2 -D_GLIBCXX_ASSERTIONS -fstack-protector-strong)
    add_link_options(-Wl,-z,relro,-z,now)
endif()

# ahoy_library(NAME  SOURCES a.cc b.cc  TESTS a_test.cc  LINKS ahoy_base ...)
#
# A library sees only what it links; its tests are one program, NAME_test.
function(ahoy_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;TESTS;LINKS" ${ARGN})
    add_library(ahoy_${name} STATIC ${arg_SOURCES})
    target_include_directories(ahoy_${name} PUBLIC ${PROJECT_SOURCE_DIR}/src)
    target_link_libraries(ahoy_${name} PUBLIC ${arg_LINKS})
    target_precompile_headers(ahoy_${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/std.h)
    if(AHOY_TESTS AND arg_TESTS)
        ahoy_test(${name}_test SOURCES ${arg_TESTS} LINKS ahoy_${name})
    endif()
endfunction()

# ahoy_test(NAME  SOURCES a_test.cc  LINKS ahoy_base ...): a GoogleTest program, run by ctest.
function(ahoy_test name)
    cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_LINKS} GTest::gmock_main)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
    target_precompile_headers(${name} PRIVATE ${PROJECT_SOURCE_DIR}/cmake/std.h <gmock/gmock.h>
                              <gtest/gtest.h>)
    add_test(NAME ${name} COMMAND ${name})
endfunction()
