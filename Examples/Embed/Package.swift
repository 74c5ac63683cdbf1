// swift-tools-version: 6.1
import PackageDescription

let package = Package(
    name: "embed",
    dependencies: [.package(name: "zoo", path: "../..")],
    targets: [
        .executableTarget(name: "embed", dependencies: [.product(name: "Zoo", package: "zoo")])
    ]
)
