#include "images/archive.h"

#include <gtest/gtest.h>

#include "images/pause_image.h"

namespace kpp::images {
namespace {

TEST(Digest, IsThatOfSha256sum) {
  EXPECT_EQ(digest_of("abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Archive, HoldsLayoutIndexAndNames) {
  Image image;
  image.name = "docker.io/someone/thing:1.0";
  image.config.ports = {"80/tcp"};
  image.layers = {"layer bytes"};
  const auto archive = write_archive({image});
  ASSERT_TRUE(archive);
  EXPECT_NE(archive->find(R"("io.containerd.image.name":"docker.io/someone/thing:1.0")"),
            std::string::npos);
  EXPECT_NE(archive->find(R"("imageLayoutVersion":"1.0.0")"), std::string::npos);
  EXPECT_NE(archive->find(R"("ExposedPorts":{"80/tcp":{}})"), std::string::npos);
  EXPECT_NE(archive->find(digest_of("layer bytes")), std::string::npos);
  EXPECT_NE(
      archive->find(cat(R"("RepoTags":["docker.io/someone/thing:1.0"],"Layers":["blobs/sha256/)",
                        digest_of("layer bytes").substr(7), R"("])")),
      std::string::npos);
}

TEST(Archive, SameImageGivesSameBytes) {
  const auto one = write_archive({*pause_image("registry.k8s.io/pause:3.10.1")});
  const auto two = write_archive({*pause_image("registry.k8s.io/pause:3.10.1")});
  ASSERT_TRUE(one);
  EXPECT_EQ(*one, *two);
}

TEST(PauseImage, ProgramIsSmallAndStatic) {
  const auto image = pause_image("registry.k8s.io/pause:3.10.1");
  ASSERT_TRUE(image);
  EXPECT_LT(image->layers[0].size(), 20'000U);
  EXPECT_EQ(image->layers[0].substr(512, 4),
            "\x7f"
            "ELF");
  EXPECT_EQ(image->layers[0].find("ld-linux"), std::string::npos);
}

}  // namespace
}  // namespace kpp::images
