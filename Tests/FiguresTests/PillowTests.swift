import Foundation
import ImageFiles
import TestSupport
import Testing

/// Files that Pillow wrote, against the pixels that Pillow reads from them. A decoder of ours is not asked to judge itself.
@Suite("Pictures as Pillow reads them", .enabled(if: Judge.python != nil))
struct PillowTests {
    /// Writes the files, and beside each one the pixels that are expected: `NAME.txt` with width, height and channels, and `NAME.raw`.
    private static let script = #"""
        import os
        import sys
        import numpy as np
        from PIL import Image, ImageOps
        folder = sys.argv[1]
        y, x = np.mgrid[0:48, 0:40]
        color = Image.fromarray(np.stack([x * 6, y * 5, (x + y) * 2], -1).astype(np.uint8))
        soft = Image.fromarray((x * 6).astype(np.uint8))
        rgba = color.copy()
        rgba.putalpha(soft)
        deep = Image.fromarray((x * 1500 + y * 100).astype(np.uint16))
        palette = color.quantize(32)

        tagged = Image.Exif()
        tagged[0x0112] = 6
        color.save(f"{folder}/tagged", format="TIFF", exif=tagged)
        turnsTIFF = Image.open(f"{folder}/tagged").copy().size != color.size
        os.remove(f"{folder}/tagged")

        def expected(name):
            image = Image.open(f"{folder}/{name}")
            # Older ones turn a TIFF when they load it and leave its tag as it was.
            image = image.copy() if name.endswith(".tif") and turnsTIFF else ImageOps.exif_transpose(image)
            if image.mode.startswith("I"):
                pixels = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
            else:
                grey = image.mode in ("1", "L", "LA")
                if image.mode in ("LA", "RGBA") or "transparency" in image.info:
                    image = image.convert("RGBA")
                    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
                pixels = np.asarray(image.convert("L" if grey else "RGB"))
            height, width = pixels.shape[:2]
            open(f"{folder}/{name}.txt", "w").write(f"{width} {height} {1 if pixels.ndim == 2 else 3}")
            pixels.tofile(f"{folder}/{name}.raw")

        def made(image, name, **options):
            image.save(f"{folder}/{name}", **options)
            expected(name)

        made(color, "baseline.jpg", quality=90)
        made(color, "progressive.jpg", quality=90, progressive=True)
        made(color.convert("L"), "grey.jpg")
        made(color.convert("CMYK"), "cmyk.jpg", quality=95)
        made(color.convert("CMYK"), "cmyk.tif")
        made(palette, "palette.png", transparency=3)
        made(palette, "opaque-palette.png")
        made(deep, "deep.png")
        made(deep, "deep.tif")
        made(Image.merge("LA", (color.convert("L"), soft)), "grey-alpha.png")
        made(rgba, "alpha.png")
        made(rgba, "alpha.webp", lossless=True)
        made(color, "lossless.webp", lossless=True)
        made(color, "lossy.webp", quality=80)
        made(color, "plain.tif")
        made(color, "lzw.tif", compression="tiff_lzw")
        made(color.convert("1"), "bits.tif")
        made(color.convert("1"), "bits.png")
        made(palette, "palette.gif")
        made(palette, "transparent.gif", transparency=3)
        made(color.quantize(8), "animation.gif", save_all=True, append_images=[color.rotate(180).quantize(8)])
        made(color, "plain.bmp")
        made(color.convert("L"), "grey.bmp")
        made(color.convert("1"), "bits.bmp")
        made(palette, "palette.bmp")
        made(rgba, "alpha.bmp")
        for orientation in range(1, 9):
            exif = Image.Exif()
            exif[0x0112] = orientation
            made(color, f"turned-{orientation}.jpg", exif=exif, quality=95)
            made(color, f"turned-{orientation}.png", exif=exif)
            made(color, f"turned-{orientation}.webp", exif=exif, lossless=True)
            made(color, f"turned-{orientation}.tif", exif=exif)
        # Large enough to be decoded at an eighth of its size.
        y, x = np.mgrid[0:1200, 0:1000]
        wave = 127 + 100 * np.sin(x / 40) * np.cos(y / 60)
        large = Image.fromarray(np.stack([wave, 255 - wave, (x + y) / 10], -1).astype(np.uint8))
        large.save(f"{folder}/large.jpg", quality=92)
        small = np.asarray(Image.open(f"{folder}/large.jpg").resize((50, 60), Image.Resampling.BOX))
        open(f"{folder}/large.jpg.txt", "w").write("50 60 3")
        small.tofile(f"{folder}/large.jpg.raw")
        """#

    @Test("JPEG, PNG, WebP, TIFF, GIF and BMP of all kinds are within 2 of 255")
    func kinds() throws {
        try withTemporaryFolder { folder in
            _ = try Judge.run(Judge.python, ["-c", Self.script, folder])
            let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter {
                !$0.hasSuffix(".txt") && !$0.hasSuffix(".raw")
            }
            #expect(names.count == 59)
            for name in names.sorted() {
                let sizes = try String(contentsOfFile: "\(folder)/\(name).txt", encoding: .utf8).split(separator: " ")
                    .compactMap { Int($0) }
                let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name).raw")))
                let isLarge = name == "large.jpg"
                var image = try ImageFiles.decode(
                    path: "\(folder)/\(name)", resizingTo: isLarge ? (sizes[0], sizes[1]) : nil)
                if isLarge { image = try image.resized(width: sizes[0], height: sizes[1]) }
                #expect([image.width, image.height, image.channels] == sizes, "\(name)")
                let difference = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max() ?? 0
                #expect(image.pixels.count == expected.count && difference <= 2, "\(name): \(difference)")
            }
        }
    }
}
