"""The pipeline that ours is measured against: legacy mediapipe on every frame. Runs in an environment of its own.

    PYTHON_OF_THAT_ENVIRONMENT bench/legacy_pose.py CLIP

Prints JSON: `seconds` and `cpu_seconds` of work (model loading aside), `pictures`, and for each picture with a body
`t` and the places (0..1) of hips and wrists.
"""

import json
import sys
import time

import cv2
import mediapipe

LONG_SIDE = 640
HIPS, WRISTS = (23, 24), (15, 16)


def main(path: str) -> None:
    cv2.setNumThreads(2)
    seen = []
    with mediapipe.solutions.pose.Pose(model_complexity=1) as pose:
        clip = cv2.VideoCapture(path)
        start, processor = time.perf_counter(), time.process_time()
        pictures = 0
        while True:
            read, picture = clip.read()
            if not read:
                break
            t = clip.get(cv2.CAP_PROP_POS_MSEC) / 1000
            pictures += 1
            scale = LONG_SIDE / max(picture.shape[:2])
            small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            found = pose.process(cv2.cvtColor(small, cv2.COLOR_BGR2RGB)).pose_landmarks
            if found:
                points = [(found.landmark[k].x, found.landmark[k].y) for k in (*HIPS, *WRISTS)]
                seen.append({"t": t, "points": points})
        spent = {"seconds": time.perf_counter() - start, "cpu_seconds": time.process_time() - processor}
    print(json.dumps({**spent, "pictures": pictures, "seen": seen}))


if __name__ == "__main__":
    main(sys.argv[1])
