#include "images/recipe.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/fs.h"
#include "base/ids.h"
#include "images/elf_files.h"

namespace kpp::images {
namespace {

TEST(ParseRecipe, FieldsAreTaken) {
  const auto recipe = parse_recipe(
      "name: docker.io/a/b:1\n"
      "programs: [/bin/true]\n"
      "directories: {/tmp: \"1777\"}\n"
      "links: {/bin/sh: busybox}\n"
      "entrypoint: [/bin/sh]\n"
      "ports: [80/tcp]\n");
  ASSERT_TRUE(recipe) << recipe.error().to_string();
  EXPECT_EQ(recipe->name, "docker.io/a/b:1");
  EXPECT_EQ(recipe->directories.at("/tmp"), 01777U);
  EXPECT_EQ(recipe->links.at("/bin/sh"), "busybox");
  EXPECT_EQ(recipe->config.entrypoint, std::vector<std::string>{"/bin/sh"});
}

TEST(ParseRecipe, WhatIsWrongIsNamed) {
  struct Case {
    const char* yaml;
    const char* message;
  };
  for (const Case& c :
       {Case{"name: a/b:1\ncolour: red\n", "unknown field \"colour\""},
        Case{"name: a/b:1\nprograms: x\n", "programs must be a list"},
        Case{"name: a/b:1\ndirectories: {/x: \"9\"}\n", "directories: \"9\" is no mode"},
        Case{"[]", "a recipe must be a map"}}) {
    const auto recipe = parse_recipe(c.yaml);
    ASSERT_FALSE(recipe) << c.yaml;
    EXPECT_EQ(recipe.error().message(), c.message);
  }
}

TEST(ParseLdd, PathsOfLibrariesAndLoader) {
  const auto paths = parse_ldd(
      "\tlinux-vdso.so.1 (0x00007ffd)\n"
      "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f3c)\n"
      "\t/lib64/ld-linux-x86-64.so.2 (0x00007f3c)\n");
  ASSERT_TRUE(paths);
  EXPECT_EQ(*paths, (std::vector<std::string>{"/lib/x86_64-linux-gnu/libc.so.6",
                                              "/lib64/ld-linux-x86-64.so.2"}));
  EXPECT_TRUE(parse_ldd("\tlibx.so => not found\n").error().is(Reason::kNotFound));
}

TEST(BuildImage, ADirectoryIsWholeThoughAProgramStandsInIt) {
  const std::string directory = cat("/tmp/kpp-recipe-test-", random_suffix(8));
  ASSERT_TRUE(fs::make_directories(directory).ok());
  Recipe recipe;
  recipe.name = "localhost/t:1";
  recipe.programs = {cat(directory, "/program")};
  recipe.machine_files = {directory};
  ASSERT_TRUE(fs::write_file_atomic(recipe.programs[0], "#!/bin/sh\n").ok());
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/beside"), "beside the program\n").ok());
  const auto image = build_image(recipe, "");
  ASSERT_TRUE(image) << image.error().to_string();
  EXPECT_NE(image->layers[0].find("#!/bin/sh"), std::string::npos);
  EXPECT_NE(image->layers[0].find("beside the program"), std::string::npos);
  std::filesystem::remove_all(directory);
}

TEST(BuildImage, HoldsProgramItsLibrariesAndTheRecipesFiles) {
  const std::string directory = cat("/tmp/kpp-recipe-test-", random_suffix(8));
  ASSERT_TRUE(fs::make_directories(cat(directory, "/files/etc")).ok());
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/files/etc/greeting"), "hello there\n").ok());
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/image.yaml"),
                                    "name: localhost/t:1\nprograms: [/bin/ls]\n")
                  .ok());
  const auto image = build_image(directory);
  ASSERT_TRUE(image) << image.error().to_string();
  const std::string& layer = image->layers[0];
  for (const char* text : {"bin/ls", "libc.so.6", "etc/greeting", "hello there"}) {
    EXPECT_NE(layer.find(text), std::string::npos) << text;
  }
  ASSERT_TRUE(fs::write_file_atomic(cat(directory, "/image.yaml"),
                                    "name: localhost/t:1\nprograms: [/no/x]\n")
                  .ok());
  EXPECT_TRUE(build_image(directory).error().is(Reason::kNotFound));
  (void)fs::remove_all(directory);
}

}  // namespace
}  // namespace kpp::images
