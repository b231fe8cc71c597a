class Factor:
    size: int
    downdates: int
    def __init__(self, tolerance: float) -> None: ...
