// swift-tools-version: 6.1
import PackageDescription

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func library(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil,
    resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, path: path, resources: resources, swiftSettings: swiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

let realModule = Target.Dependency.product(name: "RealModule", package: "swift-numerics")
func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }
let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "zoo",
    products: [
        .library(name: "Zoo", targets: ["Zoo"]),
        .library(name: "ZooCommands", targets: ["ZooCommands"]),
        // Apart from Zoo: it brings an HTTP server.
        .library(name: "ZooExplorer", targets: ["Explorer"]),
        .executable(name: "zoo", targets: ["zoo-program"]),
        .executable(name: "zoo-convert", targets: ["zoo-convert"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
        .package(url: "https://github.com/apple/swift-numerics", from: "1.0.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.80.0"),
        // Only for `swift package generate-documentation`.
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"),
    ],
    targets: [
        // C: what Swift cannot do or cannot import.
        .target(name: "COneDNN", linkerSettings: [.linkedLibrary("dnnl")]),
        .target(name: "CKernels", linkerSettings: [.linkedLibrary("gomp"), .linkedLibrary("m")]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
        .systemLibrary(name: "CGIF", providers: [.apt(["libgif-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "CLibLinear", providers: [.apt(["liblinear-dev"])]),
        .systemLibrary(name: "CLAPACK", providers: [.apt(["liblapacke-dev", "libblas-dev"])]),
        .systemLibrary(name: "CXGBoost", providers: [.apt(["libxgboost-dev"])]),
        .systemLibrary(name: "CProcess"),
        // vips.h lies where all headers do; what it includes of GLib does not.
        .systemLibrary(name: "CVips", pkgConfig: "gobject-2.0", providers: [.apt(["libvips-dev"])]),

        // The way of the data, in order.
        library("TensorCore", ["COneDNN", "CKernels", realModule]),
        library("LayerLibrary", ["TensorCore"]),
        library("ObjectiveLibrary", ["LayerLibrary", "TensorCore", realModule]),
        library("ModelKit", ["ObjectiveLibrary", "LayerLibrary", "TensorCore", "FileSupport", "TextSupport", "Yams"]),
        .target(
            name: "ZooModels", dependencies: ["ModelKit"], path: "zoo",
            resources: [.embedInCode("definitions"), .embedInCode("recipes"), .copy("weights")],
            swiftSettings: swiftSettings),
        library("Planning", ["ModelKit", "TensorCore"]),
        library("TextSupport", ["TensorCore"]),
        library("FileSupport", ["TensorCore", "CCrypto", "CZlib"]),
        library("ImageFiles", ["TensorCore", "FileSupport", "CCairo", "CVips"]),
        library("Checkpoints", ["TensorCore", "FileSupport", "CHDF5"]),
        library(
            "Datasets",
            ["TensorCore", "TextSupport", "ImageFiles", "FileSupport", "Checkpoints", "CArchive", "CCrypto"]),
        library("Training", ["Planning", "ModelKit", "ObjectiveLibrary", "TensorCore", "Datasets"]),
        library(
            "Interchange",
            ["TensorCore", "LayerLibrary", "ModelKit", "FileSupport", "Checkpoints", "TextSupport", "Yams"]),
        library("LatentTools", ["Planning", "ModelKit", "TensorCore", "Datasets", "TextSupport"]),
        library("Figures", ["TensorCore", "FileSupport", "ImageFiles", "CCairo", "CGIF"]),
        library(
            "ModelFigures",
            [
                "Planning", "ModelKit", "ObjectiveLibrary", "TensorCore", "Datasets", "LatentTools", "Figures",
                "ImageFiles", "TextSupport",
            ]),
        library(
            "Runs",
            [
                "CProcess", "Training", "Planning", "ModelKit", "TensorCore", "Datasets", "Checkpoints", "LatentTools",
                "ModelFigures", "Figures", "ImageFiles", "FileSupport", "TextSupport",
            ]),
        library("Metrics", ["LatentTools", "TensorCore", "TextSupport", "CLibLinear", "CXGBoost", "CLAPACK"]),
        library(
            "ModelMetrics",
            [
                "Metrics", "ModelFigures", "Runs", "Training", "Checkpoints", "Planning", "ModelKit",
                "ObjectiveLibrary", "LatentTools", "Datasets", "Figures", "FileSupport", "TensorCore", "TextSupport",
            ]),
        library(
            "ModelCards",
            [
                "ModelMetrics", "Metrics", "Runs", "Training", "Checkpoints", "ModelFigures", "Figures", "FileSupport",
                "LatentTools", "ObjectiveLibrary", "ModelKit", "Planning", "Datasets", "TensorCore", "TextSupport",
            ]),
        library(
            "NumberFiles",
            [
                "Interchange", "ModelFigures", "Figures", "LatentTools", "Datasets", "ImageFiles", "FileSupport",
                "TensorCore",
            ]),
        library("Tracing", ["Planning", "ModelKit", "LayerLibrary", "TensorCore", "TextSupport"]),
        library(
            "WeightFiles",
            [
                "ModelMetrics", "Metrics", "Runs", "Training", "Interchange", "Checkpoints", "LatentTools", "Figures",
                "FileSupport", "TensorCore", "TextSupport",
            ]),
        library(
            "ModelComparison",
            [
                "ModelMetrics", "Metrics", "Runs", "ModelFigures", "Training", "Planning", "ModelKit", "TensorCore",
                "Datasets", "Checkpoints", "LatentTools", "Figures", "ImageFiles", "FileSupport", "TextSupport",
            ]),
        library(
            "Explorer",
            [
                "Runs", "ModelFigures", "Planning", "ModelKit", "ObjectiveLibrary", "TensorCore", "Datasets",
                "LatentTools", "ImageFiles", "FileSupport", "TextSupport", "Training", nio("NIOCore"), nio("NIOHTTP1"),
                nio("NIOPosix"),
            ], resources: [.embedInCode("Page")]),
        library(
            "ZooCommands",
            [
                "TensorCore", "LayerLibrary", "ModelKit", "Planning", "Training", "Datasets", "Checkpoints",
                "Interchange", "FileSupport", "ImageFiles", "LatentTools", "Figures", "TextSupport", "ModelFigures",
                "Runs", "Tracing", "NumberFiles", "WeightFiles", "ModelComparison", "Metrics", "ModelMetrics",
                "ModelCards", "Explorer", argumentParser,
            ]),
        library(
            "Zoo",
            [
                "Checkpoints", "Datasets", "Figures", "ImageFiles", "Interchange", "LatentTools", "LayerLibrary",
                "Metrics", "ModelCards", "ModelComparison", "ModelFigures", "ModelKit", "ModelMetrics", "NumberFiles",
                "ObjectiveLibrary", "Planning", "Runs", "TensorCore", "Tracing", "Training", "WeightFiles",
                "ZooModels",
            ]),
        .executableTarget(
            name: "zoo-program", dependencies: ["ZooCommands", "ZooModels"], path: "Sources/ZooProgram",
            swiftSettings: swiftSettings),
        .executableTarget(
            name: "zoo-convert", dependencies: ["ZooCommands", "ZooModels"], path: "tools/zoo-convert",
            swiftSettings: swiftSettings),

        .target(
            name: "ExamplePlugIn", dependencies: ["ModelKit", "ObjectiveLibrary", "LayerLibrary", "TensorCore"],
            path: "Examples/PlugIn",
            swiftSettings: swiftSettings),

        .target(name: "CAllocationCounter", path: "Tests/CAllocationCounter"),
        .target(name: "CTestEnvironment", path: "Tests/CTestEnvironment"),
        library("TestSupport", ["TensorCore", "ModelKit", "CTestEnvironment"], path: "Tests/TestSupport"),
        library("ShapeSweep", ["Planning", "ModelKit", "TensorCore", "TestSupport"], path: "Tests/ShapeSweep"),
        .executableTarget(
            name: "shape-sweep", dependencies: ["ShapeSweep", argumentParser], path: "Tests/ShapeSweepProgram",
            swiftSettings: swiftSettings),
        tests("ShapeSweepTests", ["ShapeSweep", "shape-sweep"]),
        tests("TensorCoreTests", ["TensorCore"]),
        tests("DatasetsTests", ["Datasets", "ImageFiles", "TensorCore", "FileSupport", "TestSupport", "CArchive"]),
        tests(
            "CheckpointsTests", ["Checkpoints", "FileSupport", "TensorCore", "TestSupport"],
            resources: [.copy("Fixtures")]),
        tests(
            "InterchangeTests",
            [
                "Interchange", "Checkpoints", "FileSupport", "ModelKit", "LayerLibrary", "Planning", "TensorCore",
                "ZooModels", "ExamplePlugIn", "TestSupport",
            ], resources: [.copy("Fixtures")]),
        tests("TrainingTests", ["Training", "Planning", "ModelKit", "Datasets", "TensorCore", "TestSupport"]),
        tests(
            "ModelKitTests",
            [
                "ModelKit", "ObjectiveLibrary", "LayerLibrary", "Planning", "TensorCore", "ZooModels", "ExamplePlugIn",
                "TestSupport",
            ]),
        tests(
            "ObjectiveLibraryTests",
            ["ObjectiveLibrary", "Planning", "ModelKit", "LayerLibrary", "TensorCore", realModule],
            resources: [.copy("Golden")]),
        tests(
            "LayerLibraryTests",
            ["LayerLibrary", "ObjectiveLibrary", "ModelKit", "Planning", "TensorCore", "CAllocationCounter"],
            resources: [.copy("Golden")]),
        tests(
            "ZooCommandsTests",
            [
                argumentParser, "ZooCommands", "ZooModels", "ModelKit", "Planning", "Datasets", "Checkpoints",
                "Training", "FileSupport", "ImageFiles", "Interchange", "LatentTools", "Figures", "TensorCore",
                "TestSupport", "TextSupport", "ModelFigures", "Runs", "Tracing", "WeightFiles", "ModelComparison",
                "LayerLibrary", "zoo-program",
            ], resources: [.copy("Fixtures")]),
        tests("ZooTests", ["Zoo", "FileSupport", "TestSupport"]),
        tests(
            "ExplorerTests",
            [
                "Explorer", "Runs", "ModelKit", "Planning", "Datasets", "FileSupport", "ImageFiles", "TensorCore",
                "TestSupport", "TextSupport", "ZooModels",
            ], resources: [.copy("Browser")]),
        tests("LatentToolsTests", ["LatentTools", "Planning", "ModelKit", "Datasets", "TensorCore"]),
        tests("MetricsTests", ["Metrics", "LatentTools", "TensorCore", "TextSupport", "TestSupport"]),
        tests("FiguresTests", ["Figures", "ImageFiles", "TensorCore", "TestSupport", "CGIF"]),
    ]
)
